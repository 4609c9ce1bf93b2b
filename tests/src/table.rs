//! The table as somebody sees it who opens it in AWS's console: items without a meaning, which can be damaged and removed.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use sandbox::Sandbox;
use serde_json::Value;

use crate::world::{TABLE, aws};

/// What makes an item findable; of another type DynamoDB takes none of them.
const KEYS: [&str; 3] = ["pk", "sk", "lookup"];

/// The table, past everything that rollcall knows of it.
#[derive(Debug, Clone)]
pub struct Table(Client);

/// An item: its key, and the names of what else it has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// The kind of item.
    pub pk: String,
    /// Which one.
    pub sk: String,
    /// What can be damaged.
    pub attributes: BTreeSet<String>,
}

/// A record of an audit chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Deed {
    /// Who did it.
    pub actor: String,
    /// What was done.
    pub what: Value,
}

impl Deed {
    /// What was done, in a word; nothing of a run.
    pub fn did(&self) -> &str {
        self.what["did"].as_str().unwrap_or_default()
    }
}

impl Table {
    pub(crate) fn of(sandbox: &Sandbox) -> Self {
        Self(Client::new(&aws(sandbox)))
    }

    /// All that is in the table.
    pub async fn rows(&self) -> Vec<BTreeMap<String, AttributeValue>> {
        let scan = self.0.scan().table_name(TABLE);
        let mut pages = scan.into_paginator().items().send();
        let mut rows = Vec::new();
        while let Some(row) = pages.next().await {
            rows.push(row.expect("the table is read").into_iter().collect());
        }
        rows
    }

    /// Every item, by key.
    pub async fn items(&self) -> BTreeSet<Item> {
        let mut items = BTreeSet::new();
        for item in self.rows().await {
            let text = |name| item.get(name).and_then(|value| value.as_s().ok());
            let names = item.keys().filter(|name| !KEYS.contains(&name.as_str()));
            items.insert(Item {
                pk: text("pk").cloned().unwrap_or_default(),
                sk: text("sk").cloned().unwrap_or_default(),
                attributes: names.cloned().collect(),
            });
        }
        items
    }

    /// What stands on the audit chains, but for the times.
    pub async fn deeds(&self) -> Vec<Deed> {
        let mut deeds = Vec::new();
        for item in self.rows().await {
            let text = |name| item.get(name).and_then(|value| value.as_s().ok());
            if text("pk").is_none_or(|pk| !pk.starts_with("CHAIN#")) {
                continue;
            }
            let what = text("what").and_then(|what| serde_json::from_str(what).ok());
            deeds.push(Deed {
                actor: text("actor").cloned().unwrap_or_default(),
                what: what.unwrap_or_default(),
            });
        }
        deeds
    }

    /// Gives an attribute of an item another value.
    pub async fn set(&self, item: &Item, attribute: &str, value: AttributeValue) {
        let update = self
            .0
            .update_item()
            .table_name(TABLE)
            .key("pk", AttributeValue::S(item.pk.clone()))
            .key("sk", AttributeValue::S(item.sk.clone()))
            .update_expression("SET #attribute = :value")
            .expression_attribute_names("#attribute", attribute)
            .expression_attribute_values(":value", value);
        update.send().await.expect("the table is written");
    }

    /// Makes an attribute what nothing can be read from: rollcall writes no lists.
    pub async fn damage(&self, item: &Item, attribute: &str) {
        let list = AttributeValue::L(Vec::new());
        self.set(item, attribute, list).await;
    }

    /// Removes an item.
    pub async fn remove(&self, item: &Item) {
        let delete = self
            .0
            .delete_item()
            .table_name(TABLE)
            .key("pk", AttributeValue::S(item.pk.clone()))
            .key("sk", AttributeValue::S(item.sk.clone()));
        delete.send().await.expect("the table is written");
    }

    /// Removes everything.
    pub async fn empty(&self) {
        for item in self.items().await {
            self.remove(&item).await;
        }
    }
}
