//! Tests against the embedded DynamoDB, through the real SDK over HTTP; faults that it cannot show come from a stub.

mod answer;
mod chain;
mod faults;
mod group;
mod inspect;
mod intent;
mod journal;
mod lease;
mod link;
mod offer;
mod owner;
mod run;
mod source;
mod suspended;
mod user;

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::types::AttributeValue;
use dynoxide::Database;
use jiff::{SignedDuration, Timestamp};
use mapping::WorkerKey;

use crate::item::Item;
use crate::{Lease, Link, State};

const TABLE: &str = "rollcall";
const TERM: SignedDuration = SignedDuration::from_mins(5);

/// A table of its own, and a client that reads and damages it behind the state's back.
struct World {
    state: State,
    client: Client,
    database: Arc<Database>,
}

impl World {
    async fn start() -> Self {
        let database = Database::memory().unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(dynoxide::server::serve_on(listener, database.clone()));
        let state = State::connect(config(&url), TABLE);
        state.create_table().await.unwrap();
        Self {
            state: state.for_run(),
            client: Client::from_conf(config(&url).build()),
            database: Arc::new(database),
        }
    }

    async fn lease(&self) -> Lease {
        self.state.acquire("one", noon(), TERM).await.unwrap()
    }

    async fn put(&self, item: Item) {
        self.client
            .put_item()
            .table_name(TABLE)
            .set_item(Some(item))
            .send()
            .await
            .unwrap();
    }

    async fn items(&self) -> Vec<Item> {
        let mut pages = self
            .client
            .scan()
            .table_name(TABLE)
            .into_paginator()
            .items()
            .send();
        let mut items = Vec::new();
        while let Some(item) = pages.next().await {
            items.push(item.unwrap());
        }
        items
    }
}

fn config(url: &str) -> Builder {
    Builder::from(&startup::stand_in(url).unwrap())
}

fn noon() -> Timestamp {
    "2026-03-02T12:00:00Z".parse().unwrap()
}

fn worker(id: &str) -> WorkerKey {
    WorkerKey {
        source: "deel".into(),
        worker_id: id.into(),
    }
}

fn link(id: &str) -> Link {
    Link {
        key: worker(id),
        user_id: Some("65f0c0ffee65f0c0ffee65f0".into()),
        username: "ana.souza".into(),
        email: "ana.souza@example.com".into(),
        adopted: false,
        written: Box::default(),
        suspension: None,
        missing: None,
        scim_hold: None,
        groups: std::collections::BTreeMap::new(),
        pending: None,
        details: None,
        created_at: noon(),
    }
}

/// About DynamoDB's own count: names and values, numbers at their shortest.
fn size_of(item: &Item) -> usize {
    item.iter()
        .map(|(name, value)| name.len() + size_of_value(value))
        .sum()
}

fn size_of_value(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(digits) => digits.len() / 2 + 2,
        AttributeValue::B(blob) => blob.as_ref().len(),
        AttributeValue::M(entries) => 3 + entries.len() + size_of(entries),
        _ => 1,
    }
}

#[tokio::test]
async fn table_is_made_once_and_expires() {
    let world = World::start().await;
    world.state.create_table().await.unwrap();
    let described = world
        .client
        .describe_time_to_live()
        .table_name(TABLE)
        .send()
        .await
        .unwrap();
    let expiry = described.time_to_live_description.unwrap();
    assert_eq!(expiry.attribute_name.as_deref(), Some("expires_at"));
}

#[tokio::test]
async fn each_run_counts_its_own_requests() {
    let world = World::start().await;
    let run = world.state.for_run();
    run.links().await.unwrap();
    run.clone().links().await.unwrap();
    assert_eq!((world.state.calls(), run.calls()), (0, 2));
}
