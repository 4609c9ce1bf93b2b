//! The table as it is set up, for an admin who asks whether all is well. No run needs any of it.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::{BoxError, ProvideErrorMetadata};
use aws_sdk_dynamodb::types::{
    KeySchemaElement, KeyType, PointInTimeRecoveryStatus, TableStatus, TimeToLiveStatus,
};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

use crate::table::{EXPIRES_AT, LOOKUP};
use crate::{State, StateError};

/// How a table is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting of its own"
)]
pub struct TableFacts {
    /// Whether it can be read and written.
    pub is_active: bool,
    /// Whether its keys are those that rollcall writes.
    pub has_keys: bool,
    /// Whether it has the index that looks people up.
    pub has_index: bool,
    /// Whether it cannot be deleted by mistake.
    pub is_protected: bool,
}

/// Whether a table can be brought back to an earlier moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// It can.
    On,
    /// It cannot.
    Off,
    /// The database knows no such thing: it is embedded.
    NotApplicable,
}

impl State {
    /// How the table is set up.
    pub async fn table_facts(&self) -> Result<TableFacts, StateError> {
        let request = self.table.client.describe_table();
        let answer = request.table_name(self.table.name()).send().await;
        let answer = answer.map_err(|error| self.table.failure("DescribeTable", error))?;
        let table = answer
            .table
            .unwrap_or_else(|| aws_sdk_dynamodb::types::TableDescription::builder().build());
        let status = table.table_status();
        Ok(TableFacts {
            is_active: matches!(status, Some(TableStatus::Active | TableStatus::Updating)),
            has_keys: is_key(table.key_schema(), &["pk", "sk"]),
            has_index: table.global_secondary_indexes().iter().any(|index| {
                index.index_name() == Some(LOOKUP) && is_key(index.key_schema(), &[LOOKUP])
            }),
            is_protected: table.deletion_protection_enabled() == Some(true),
        })
    }

    /// Whether items are removed when their time is over.
    pub async fn expires(&self) -> Result<bool, StateError> {
        let request = self.table.client.describe_time_to_live();
        let answer = request.table_name(self.table.name()).send().await;
        let answer = answer.map_err(|error| self.table.failure("DescribeTimeToLive", error))?;
        let expiry = answer.time_to_live_description;
        Ok(expiry.is_some_and(|expiry| {
            let status = expiry.time_to_live_status();
            expiry.attribute_name() == Some(EXPIRES_AT)
                && matches!(
                    status,
                    Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)
                )
        }))
    }

    /// Whether the table can be brought back to an earlier moment.
    pub async fn recovery(&self) -> Result<Recovery, StateError> {
        let request = self.table.client.describe_continuous_backups();
        match request.table_name(self.table.name()).send().await {
            Ok(answer) => {
                let backups = answer.continuous_backups_description;
                let recovery = backups.and_then(|it| it.point_in_time_recovery_description);
                let status = recovery.and_then(|it| it.point_in_time_recovery_status);
                let is_on = status == Some(PointInTimeRecoveryStatus::Enabled);
                Ok(if is_on { Recovery::On } else { Recovery::Off })
            }
            Err(error) if error.code() == Some("UnknownOperationException") => {
                Ok(Recovery::NotApplicable)
            }
            Err(error) => Err(self.table.failure("DescribeContinuousBackups", error)),
        }
    }

    /// What time it was for DynamoDB when it answered, whatever it answered; `None` when it did not.
    pub async fn database_time(&self) -> Option<Timestamp> {
        let date = Date::default();
        let request = self.table.client.describe_table();
        let request = request.table_name(self.table.name()).customize();
        // A table that is not there is answered too.
        let _ = request.interceptor(date.clone()).send().await;
        let date = date.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        DateTimeParser::new().parse_timestamp(date?).ok()
    }
}

/// Whether a key is of these attributes, a partition and perhaps a sort key.
fn is_key(schema: &[KeySchemaElement], names: &[&str]) -> bool {
    let kinds = [KeyType::Hash, KeyType::Range];
    let expected = names.iter().zip(&kinds);
    let given = schema
        .iter()
        .map(|key| (key.attribute_name(), key.key_type()));
    schema.len() == names.len() && given.eq(expected.map(|(name, kind)| (*name, kind)))
}

/// The `Date` of the last answer.
#[derive(Debug, Clone, Default)]
struct Date(Arc<Mutex<Option<String>>>);

impl Intercept for Date {
    fn name(&self) -> &'static str {
        "Date"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date.map(str::to_owned);
        Ok(())
    }
}
