//! The requests to the one table: counted, repeated where they met another transaction, their errors explained.
//!
//! It knows keys and items, not what they mean.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::{BoxError, BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::create_table::builders::CreateTableFluentBuilder;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    self, AttributeDefinition, AttributeValue, BillingMode, CancellationReason,
    GlobalSecondaryIndex, KeySchemaElement, KeyType, KeysAndAttributes, Projection, ProjectionType,
    ReturnValue, ReturnValuesOnConditionCheckFailure, ScalarAttributeType, TimeToLiveSpecification,
    TimeToLiveStatus, TransactWriteItem,
};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::sleep;

use crate::error::StateError;
use crate::item::{self, Attribute, Damage, Item, Key, as_text, optional, text};

/// The index of the items that have an attribute of this name.
pub(crate) const LOOKUP: &str = "lookup";

/// The attribute by which DynamoDB removes items.
pub(crate) const EXPIRES_AT: &str = "expires_at";

/// How many items DynamoDB reads in one request.
const MOST_AT_ONCE: usize = 100;

/// How long to wait before a write that met another transaction is sent again. What meets often, on the lease, takes
/// turns within a process, so that there is hardly anybody to spread out from.
const CONFLICT_BACKOFF_MS: [u64; 5] = [20, 40, 80, 160, 320];

/// Sends a request so that its attempts are counted; the SDK's requests have no trait in common.
macro_rules! send {
    ($table:expr, $request:expr) => {
        $request
            .customize()
            .interceptor($table.calls.clone())
            .send()
    };
}

/// What a condition made of a single write.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It held; the item as it is after an update, as it was before a put.
    Applied(Item),
    /// It did not, and nothing was written; the item as it is.
    Refused(Item),
}

/// The first write of a transaction whose condition did not hold, so that nothing was written.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) key: Key,
    /// The item as it is; empty when there is none.
    pub(crate) item: Item,
}

/// One write of a transaction.
#[derive(Debug, Clone)]
pub(crate) enum Write {
    Put(Put),
    Delete(Delete),
    Check(Check),
    Update(Update),
    Merge(Merge),
}

/// What must hold of an item before it is written.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    expression: &'static str,
    values: Item,
}

/// A whole item, in place of what is there.
#[derive(Debug, Clone)]
pub(crate) struct Put {
    pub(crate) item: Item,
    pub(crate) condition: Option<Condition>,
}

/// The end of an item.
#[derive(Debug, Clone)]
pub(crate) struct Delete {
    pub(crate) key: Key,
    pub(crate) condition: Option<Condition>,
}

/// A condition on an item that the transaction does not write.
#[derive(Debug, Clone)]
pub(crate) struct Check {
    pub(crate) key: Key,
    pub(crate) condition: Condition,
}

/// A change of one item.
#[derive(Debug, Clone)]
pub(crate) struct Update {
    pub(crate) key: Key,
    pub(crate) change: &'static str,
    pub(crate) values: Item,
    pub(crate) condition: Condition,
}

/// These attributes of one item, set or removed; its others stay as they are.
#[derive(Debug, Clone)]
pub(crate) struct Merge {
    pub(crate) key: Key,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) condition: Option<Condition>,
}

impl Condition {
    pub(crate) fn new<const N: usize>(
        expression: &'static str,
        values: [(&str, AttributeValue); N],
    ) -> Self {
        Self {
            expression,
            values: item::values(values),
        }
    }

    fn into_parts(self) -> (String, Option<Item>) {
        (self.expression.to_owned(), merged(self.values, Item::new()))
    }
}

impl Merge {
    /// The update that it is. DynamoDB reserves some of the names, which therefore stand apart.
    fn into_update(self, table: &str) -> Result<types::Update, BuildError> {
        let (condition, values) = self.condition.map(Condition::into_parts).unzip();
        let mut update = types::Update::builder()
            .table_name(table)
            .set_key(Some(self.key.to_item()))
            .set_condition_expression(condition)
            .set_expression_attribute_values(values.flatten())
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let (mut set, mut removed) = (Vec::new(), Vec::new());
        for (name, value) in self.attributes {
            update = update.expression_attribute_names(format!("#{name}"), name);
            if let Some(value) = value {
                set.push(format!("#{name} = :{name}"));
                update = update.expression_attribute_values(format!(":{name}"), value);
            } else {
                removed.push(format!("#{name}"));
            }
        }
        let clauses = [("SET", set), ("REMOVE", removed)];
        let clauses = clauses.into_iter().filter(|(_, parts)| !parts.is_empty());
        let change: Vec<String> = clauses
            .map(|(verb, parts)| format!("{verb} {}", parts.join(", ")))
            .collect();
        update.update_expression(change.join(" ")).build()
    }
}

impl Write {
    /// Puts a whole item, whatever is there.
    pub(crate) fn put(item: Item) -> Self {
        Self::Put(Put {
            item,
            condition: None,
        })
    }

    /// Removes an item; one that is not there is no error.
    pub(crate) fn delete(key: Key) -> Self {
        Self::Delete(Delete {
            key,
            condition: None,
        })
    }

    /// The item that it writes.
    fn key(&self) -> Key {
        match self {
            Self::Put(Put { item, .. }) => Key::of(item),
            Self::Delete(Delete { key, .. })
            | Self::Check(Check { key, .. })
            | Self::Update(Update { key, .. })
            | Self::Merge(Merge { key, .. }) => key.clone(),
        }
    }
}

/// One table.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) client: Client,
    name: Arc<str>,
    calls: Calls,
    /// Whose turn it is to write what touches the lease.
    turn: Arc<Mutex<()>>,
}

impl Table {
    pub(crate) fn new(client: Client, name: &str) -> Self {
        Self {
            client,
            name: name.into(),
            calls: Calls::default(),
            turn: Arc::default(),
        }
    }

    /// The same table with a counter of its own.
    pub(crate) fn counted_apart(&self) -> Self {
        Self {
            calls: Calls::default(),
            ..self.clone()
        }
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls.0.load(Ordering::Relaxed)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// One item, as it is now.
    pub(crate) async fn get(&self, key: &Key) -> Result<Option<Item>, StateError> {
        let request = self
            .client
            .get_item()
            .table_name(self.name())
            .set_key(Some(key.to_item()))
            .consistent_read(true);
        let answer = send!(self, request).await;
        Ok(answer.map_err(|error| self.failure("GetItem", error))?.item)
    }

    /// Those of these items that are there, as they are now, in any order.
    pub(crate) async fn get_many(&self, keys: &[Key]) -> Result<Vec<Item>, StateError> {
        let operation = "BatchGetItem";
        let mut found = Vec::with_capacity(keys.len());
        let mut left: Vec<Item> = keys.iter().map(Key::to_item).collect();
        let mut back_off = CONFLICT_BACKOFF_MS.into_iter();
        while !left.is_empty() {
            let batch = left.split_off(left.len().saturating_sub(MOST_AT_ONCE));
            let wanted = KeysAndAttributes::builder()
                .set_keys(Some(batch))
                .consistent_read(true)
                .build()
                .map_err(|error| self.unbuilt(operation, error))?;
            let request = self
                .client
                .batch_get_item()
                .request_items(self.name(), wanted);
            let answer = send!(self, request).await;
            let answer = answer.map_err(|error| self.failure(operation, error))?;
            found.extend(
                answer
                    .responses
                    .into_iter()
                    .flatten()
                    .flat_map(|(_, items)| items),
            );
            let unprocessed = answer.unprocessed_keys.into_iter().flatten();
            let before = left.len();
            left.extend(unprocessed.flat_map(|(_, wanted)| wanted.keys));
            if left.len() > before {
                // DynamoDB answers a part and leaves the rest while it is throttled.
                let Some(pause_ms) = back_off.next() else {
                    return Err(StateError::Throttled {
                        table: self.name().into(),
                        operation,
                        source: "it kept leaving keys unprocessed".into(),
                    });
                };
                sleep(Duration::from_millis(pause_ms)).await;
            }
        }
        Ok(found)
    }

    /// The items of one partition, as they are now, in the order of `sk`.
    pub(crate) fn partition(&self, pk: &str) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(self.name())
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(pk))
    }

    /// The keys of the items with this `lookup`; the index may be a moment behind.
    pub(crate) fn lookup(&self, value: &str) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(self.name())
            .index_name(LOOKUP)
            .key_condition_expression("lookup = :value")
            .expression_attribute_values(":value", text(value))
    }

    /// What a query finds, page by page, at most `most`; each page is let go once decoded.
    pub(crate) async fn read<T>(
        &self,
        query: QueryFluentBuilder,
        most: usize,
        decode: impl Fn(&Item) -> Result<T, Damage>,
    ) -> Result<Vec<T>, StateError> {
        let mut found = Vec::new();
        let mut start = None;
        loop {
            let request = query.clone().set_exclusive_start_key(start);
            let answer = send!(self, request).await;
            let page = answer.map_err(|error| self.failure("Query", error))?;
            for item in page.items() {
                found.push(self.decoded(item, &decode)?);
            }
            start = page.last_evaluated_key;
            if start.is_none() || found.len() >= most {
                found.truncate(most);
                return Ok(found);
            }
        }
    }

    /// An item in our types, or the error that names it.
    pub(crate) fn decoded<T>(
        &self,
        item: &Item,
        decode: impl FnOnce(&Item) -> Result<T, Damage>,
    ) -> Result<T, StateError> {
        decode(item).map_err(|damage| {
            let part = |name| optional(item, name, as_text).ok().flatten().unwrap_or("?");
            self.damaged(&format!("{} {}", part("pk"), part("sk")), damage)
        })
    }

    /// The error that names a damaged item.
    pub(crate) fn damaged(&self, key: &str, source: Damage) -> StateError {
        StateError::Damaged {
            table: self.name().into(),
            key: key.into(),
            source,
        }
    }

    /// The error that names an item which DynamoDB cannot change as it is asked to: our requests fit what we write.
    fn unchangeable<E>(&self, Key { pk, sk }: &Key, error: SdkError<E>) -> StateError
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        StateError::Unchangeable {
            table: self.name().into(),
            key: format!("{pk} {sk}").into(),
            source: Box::new(error),
        }
    }

    /// Updates one item if its condition holds.
    pub(crate) async fn update(&self, update: Update) -> Result<Outcome, StateError> {
        let Update {
            key,
            change,
            values,
            condition,
        } = update;
        let request = self
            .client
            .update_item()
            .table_name(self.name())
            .set_key(Some(key.to_item()))
            .update_expression(change)
            .condition_expression(condition.expression)
            .set_expression_attribute_values(merged(values, condition.values))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let send = || send!(self, request.clone());
        match insist(send, UpdateItemError::is_transaction_conflict_exception).await {
            Ok(answer) => Ok(Outcome::Applied(answer.attributes.unwrap_or_default())),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    Ok(Outcome::Refused(refused.item.clone().unwrap_or_default()))
                }
                Some(refused) if refused.code() == Some("ValidationException") => {
                    Err(self.unchangeable(&key, error))
                }
                _ => Err(self.failure("UpdateItem", error)),
            },
        }
    }

    /// Puts one item if its condition holds.
    pub(crate) async fn put(&self, put: Put) -> Result<Outcome, StateError> {
        let Put { item, condition } = put;
        let (expression, values) = condition.map(Condition::into_parts).unzip();
        let request = self
            .client
            .put_item()
            .table_name(self.name())
            .set_item(Some(item))
            .set_condition_expression(expression)
            .set_expression_attribute_values(values.flatten())
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let send = || send!(self, request.clone());
        match insist(send, PutItemError::is_transaction_conflict_exception).await {
            Ok(answer) => Ok(Outcome::Applied(answer.attributes.unwrap_or_default())),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refused)) => {
                    Ok(Outcome::Refused(refused.item.clone().unwrap_or_default()))
                }
                _ => Err(self.failure("PutItem", error)),
            },
        }
    }

    /// Makes these writes, all or none; which one's condition did not hold, if that is why none was made.
    pub(crate) async fn transact(
        &self,
        writes: impl IntoIterator<Item = Write>,
    ) -> Result<Option<Refused>, StateError> {
        let operation = "TransactWriteItems";
        let writes: Vec<Write> = writes.into_iter().collect();
        let keys: Vec<Key> = writes.iter().map(Write::key).collect();
        let writes = writes
            .into_iter()
            .map(|write| self.to_sdk(write))
            .collect::<Result<_, _>>();
        let writes = writes.map_err(|error| self.unbuilt(operation, error))?;
        let request = self
            .client
            .transact_write_items()
            .set_transact_items(Some(writes));
        let send = || send!(self, request.clone());
        let Err(error) = insist(send, is_passing).await else {
            return Ok(None);
        };
        let cancelled = error.as_service_error();
        if let Some(refused) = cancelled.and_then(|it| refused(it, &keys)) {
            return Ok(Some(refused));
        }
        let unchangeable = cancelled.and_then(|it| cancelled_by(it, &keys, "ValidationError"));
        if let Some(key) = unchangeable.map(|(key, _)| key) {
            return Err(self.unchangeable(key, error));
        }
        if error.as_service_error().is_some_and(is_passing) {
            return Err(StateError::Throttled {
                table: self.name().into(),
                operation,
                source: Box::new(error),
            });
        }
        Err(self.failure(operation, error))
    }

    /// Waits until nothing else of this process writes what touches the lease.
    pub(crate) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Makes the table, its index and its expiry, each unless it is there.
    pub(crate) async fn create(&self) -> Result<(), StateError> {
        let request = with_schema(self.client.create_table().table_name(self.name()))
            .map_err(|error| self.unbuilt("CreateTable", error))?;
        match send!(self, request).await {
            Err(SdkError::ServiceError(refused))
                if refused.err().is_resource_in_use_exception() => {}
            answer => drop(answer.map_err(|error| self.failure("CreateTable", error))?),
        }
        self.set_expiry().await
    }

    /// Turns the expiry on; DynamoDB refuses to do so twice.
    async fn set_expiry(&self) -> Result<(), StateError> {
        let request = self.client.describe_time_to_live().table_name(self.name());
        let answer = send!(self, request).await;
        let status = answer
            .map_err(|error| self.failure("DescribeTimeToLive", error))?
            .time_to_live_description
            .and_then(|described| described.time_to_live_status);
        if matches!(
            status,
            Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)
        ) {
            return Ok(());
        }
        let operation = "UpdateTimeToLive";
        let specification = TimeToLiveSpecification::builder()
            .enabled(true)
            .attribute_name(EXPIRES_AT)
            .build();
        let request = self
            .client
            .update_time_to_live()
            .table_name(self.name())
            .time_to_live_specification(
                specification.map_err(|error| self.unbuilt(operation, error))?,
            );
        let answer = send!(self, request).await;
        answer
            .map(drop)
            .map_err(|error| self.failure(operation, error))
    }

    /// A write as the SDK has it.
    fn to_sdk(&self, write: Write) -> Result<TransactWriteItem, BuildError> {
        let name = self.name();
        let sdk = TransactWriteItem::builder();
        let telling = ReturnValuesOnConditionCheckFailure::AllOld;
        Ok(match write {
            Write::Put(Put { item, condition }) => {
                let (expression, values) = condition.map(Condition::into_parts).unzip();
                let put = types::Put::builder()
                    .table_name(name)
                    .set_item(Some(item))
                    .set_condition_expression(expression)
                    .set_expression_attribute_values(values.flatten())
                    .return_values_on_condition_check_failure(telling);
                sdk.put(put.build()?)
            }
            Write::Delete(Delete { key, condition }) => {
                let (expression, values) = condition.map(Condition::into_parts).unzip();
                let delete = types::Delete::builder()
                    .table_name(name)
                    .set_key(Some(key.to_item()))
                    .set_condition_expression(expression)
                    .set_expression_attribute_values(values.flatten())
                    .return_values_on_condition_check_failure(telling);
                sdk.delete(delete.build()?)
            }
            Write::Check(Check { key, condition }) => {
                let (expression, values) = condition.into_parts();
                let check = types::ConditionCheck::builder()
                    .table_name(name)
                    .set_key(Some(key.to_item()))
                    .condition_expression(expression)
                    .set_expression_attribute_values(values)
                    .return_values_on_condition_check_failure(telling);
                sdk.condition_check(check.build()?)
            }
            Write::Update(Update {
                key,
                change,
                values,
                condition,
            }) => {
                let update = types::Update::builder()
                    .table_name(name)
                    .set_key(Some(key.to_item()))
                    .update_expression(change)
                    .condition_expression(condition.expression)
                    .set_expression_attribute_values(merged(values, condition.values))
                    .return_values_on_condition_check_failure(telling);
                sdk.update(update.build()?)
            }
            Write::Merge(merge) => sdk.update(merge.into_update(name)?),
        }
        .build())
    }

    /// A request that was not even sent.
    fn unbuilt(&self, operation: &'static str, error: BuildError) -> StateError {
        StateError::Failed {
            table: self.name().into(),
            operation,
            source: Box::new(error),
        }
    }

    /// A failed request as an error that says what to do.
    pub(crate) fn failure<E>(&self, operation: &'static str, error: SdkError<E>) -> StateError
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let table = Box::from(self.name());
        let code = error.code().map(str::to_owned);
        let source = Box::new(error);
        match code.as_deref() {
            Some("ResourceNotFoundException") => StateError::NoTable { table, source },
            Some(
                "AccessDeniedException"
                | "UnrecognizedClientException"
                | "InvalidSignatureException"
                | "MissingAuthenticationTokenException"
                | "ExpiredTokenException",
            ) => StateError::AccessDenied {
                table,
                operation,
                source,
            },
            Some(
                "ThrottlingException"
                | "ProvisionedThroughputExceededException"
                | "RequestLimitExceeded"
                | "TransactionConflictException"
                | "TransactionInProgressException",
            ) => StateError::Throttled {
                table,
                operation,
                source,
            },
            _ => StateError::Failed {
                table,
                operation,
                source,
            },
        }
    }
}

/// A request that DynamoDB does not answer must not outlive the lease under which it was sent.
pub(crate) fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(10))
        .operation_timeout(Duration::from_secs(30))
        .build()
}

/// Counts the requests sent, each attempt once.
#[derive(Debug, Clone, Default)]
struct Calls(Arc<AtomicU64>);

impl Intercept for Calls {
    fn name(&self) -> &'static str {
        "Calls"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// Sends a write again as long as another transaction is in its way.
async fn insist<T, E, Sent>(
    send: impl Fn() -> Sent,
    is_passing: impl Fn(&E) -> bool,
) -> Result<T, SdkError<E>>
where
    Sent: Future<Output = Result<T, SdkError<E>>>,
{
    for pause_ms in CONFLICT_BACKOFF_MS {
        match send().await {
            Err(SdkError::ServiceError(refused)) if is_passing(refused.err()) => {
                sleep(Duration::from_millis(pause_ms)).await;
            }
            answer => return answer,
        }
    }
    send().await
}

/// The write whose condition cancelled the transaction.
fn refused(error: &TransactWriteItemsError, keys: &[Key]) -> Option<Refused> {
    let (key, reason) = cancelled_by(error, keys, "ConditionalCheckFailed")?;
    Some(Refused {
        key: key.clone(),
        item: reason.item().cloned().unwrap_or_default(),
    })
}

/// The first write that cancelled the transaction for this reason; DynamoDB gives one for each, in their order.
fn cancelled_by<'e, 'k>(
    error: &'e TransactWriteItemsError,
    keys: &'k [Key],
    code: &str,
) -> Option<(&'k Key, &'e CancellationReason)> {
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else {
        return None;
    };
    let mut reasons = keys.iter().zip(cancelled.cancellation_reasons());
    reasons.find(|(_, reason)| reason.code() == Some(code))
}

/// Whether what cancelled the transaction passes: another one on the same items, or too many requests.
fn is_passing(error: &TransactWriteItemsError) -> bool {
    let mut reasons = reasons(error).peekable();
    reasons.peek().is_some()
        && reasons.all(|reason| {
            matches!(
                reason,
                "TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded"
            )
        })
}

/// Why the transaction was cancelled: the codes of the writes that were in the way.
fn reasons(error: &TransactWriteItemsError) -> impl Iterator<Item = &str> {
    let reasons = match error {
        TransactWriteItemsError::TransactionCanceledException(cancelled) => {
            cancelled.cancellation_reasons()
        }
        _ => &[],
    };
    reasons
        .iter()
        .filter_map(|reason| reason.code())
        .filter(|code| *code != "None")
}

/// The values of both parts of a request; DynamoDB takes none rather than an empty map.
fn merged(mut values: Item, more: Item) -> Option<Item> {
    values.extend(more);
    (!values.is_empty()).then_some(values)
}

/// The keys, the index and the way of paying.
fn with_schema(request: CreateTableFluentBuilder) -> Result<CreateTableFluentBuilder, BuildError> {
    let string = |name| {
        AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S)
    };
    let key = |name, kind| {
        KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(kind)
            .build()
    };
    let index = GlobalSecondaryIndex::builder()
        .index_name(LOOKUP)
        .key_schema(key(LOOKUP, KeyType::Hash)?)
        .projection(
            Projection::builder()
                .projection_type(ProjectionType::KeysOnly)
                .build(),
        );
    Ok(request
        .attribute_definitions(string("pk").build()?)
        .attribute_definitions(string("sk").build()?)
        .attribute_definitions(string(LOOKUP).build()?)
        .key_schema(key("pk", KeyType::Hash)?)
        .key_schema(key("sk", KeyType::Range)?)
        .global_secondary_indexes(index.build()?)
        .billing_mode(BillingMode::PayPerRequest))
}
