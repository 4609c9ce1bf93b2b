//! From an HTTP request to an answer: who is calling, what is asked, which handler does it.
//!
//! No decision about a resource is made here.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::{
    ALLOW, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HOST, IF_MATCH, IF_NONE_MATCH,
    LOCATION, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use clients::JumpCloud;
use config::Config;
use jiff::Timestamp;
use mapping::{SystemUserId, Text};
use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use secrets::Secrets;
use serde_json::Value;
use startup::StartError;
use state::{Scribe, State};
use tokio::time::Instant;

use crate::auth::{Access, Scope, Tokens};
use crate::error::{ScimError, ScimType};
use crate::gateway::Event;
use crate::metrics::Served;
use crate::operation::{Operation, Reply, Target};
use crate::projection::Projection;
use crate::resource::Resource;
use crate::version::{Precondition, version};
use crate::{bulk, discovery, groups, idempotency, listing, users};

/// What stands before the target in every path.
const BASE_PATH: &str = "/scim/v2";
/// API Gateway gives up after 30 s: the last request to JumpCloud must be answered before.
const TIME_LIMIT: Duration = Duration::from_secs(25);
/// An id as JumpCloud makes them, and nobody's.
const NOBODY: &str = "000000000000000000000000";
/// The media type of RFC 7644 §8.1.
const MEDIA_TYPE: &str = "application/scim+json";

/// The most that Lambda takes as an answer is 6 MB, in which the body is a JSON string among other fields.
const LARGEST_ANSWER: usize = 6_000_000;

/// Tells the time: the real one, or a test's.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Everything that requests share: made once, used for each.
#[derive(Clone)]
pub struct Service {
    /// The configuration.
    pub config: Arc<Config>,
    /// JumpCloud.
    pub jumpcloud: JumpCloud,
    /// What we remember.
    pub state: State,
    /// The clients' tokens.
    pub tokens: Arc<Tokens>,
    /// Writes down what is done, for as long as this process answers.
    pub scribe: Scribe,
    /// The time.
    pub clock: Clock,
    /// `https` behind API Gateway, `http` on an admin's machine.
    pub scheme: &'static str,
}

/// One request of a known client: what its handlers work with.
pub(crate) struct Call<'a> {
    pub(crate) config: &'a Config,
    pub(crate) access: &'a Access,
    /// With this request's deadline.
    pub(crate) jumpcloud: JumpCloud,
    pub(crate) state: State,
    pub(crate) scribe: &'a Scribe,
    /// Without a slash at its end.
    pub(crate) base_url: &'a str,
    /// The id of the request: who holds what it begins.
    pub(crate) id: Text,
    /// When the request came.
    pub(crate) now: Timestamp,
    /// When nothing of it is at work any more.
    pub(crate) until: Timestamp,
    /// The same, as this process measures it.
    pub(crate) deadline: Instant,
}

impl Service {
    /// Makes the clients of a configuration, once: nothing is sent yet.
    pub fn new(
        config: Config,
        state: State,
        secrets: &Secrets,
        allowed_hosts: &[String],
        clock: Clock,
        scheme: &'static str,
    ) -> Result<Self, StartError> {
        let jumpcloud = startup::jumpcloud(&config.jumpcloud, secrets, allowed_hosts)?;
        let tokens = Tokens::new(secrets.clone(), config.scim.tokens.as_str());
        Ok(Self {
            config: Arc::new(config),
            jumpcloud,
            state,
            tokens: Arc::new(tokens),
            scribe: Scribe::of_scim(&id_of(clock())),
            clock,
            scheme,
        })
    }

    /// Reads what every request needs, so that the first one finds the keys read and the connections open; how long that
    /// may take is the caller's to say. What fails here fails again for that request, which tells it.
    pub async fn warm(&self) {
        let nobody = SystemUserId::from(NOBODY);
        // JumpCloud first: it waits for its key, and then for a connection of its own.
        let (user, tokens, table) = tokio::join!(
            self.jumpcloud.user(&nobody),
            self.tokens.warm(),
            self.state.user_record(&nobody)
        );
        if tokens.is_err() || table.is_err() || user.is_err() {
            tracing::warn!("the tokens, the table or JumpCloud could not be read at the start");
        }
    }

    /// Answers one event of API Gateway.
    pub async fn answer_event(&self, id: &str, event: Event) -> Response<Bytes> {
        match event.into_request() {
            Ok(request) => self.answer(id, request).await,
            Err(error) => refusal(error),
        }
    }

    /// Answers one request. `id` is the request's own, for the log and for what it begins; `path` is the decoded path.
    pub async fn answer(&self, id: &str, request: Request<Bytes>) -> Response<Bytes> {
        let (parts, body) = request.into_parts();
        // Invalid UTF-8 becomes the replacement character, which no path of ours has.
        let path = percent_decode_str(parts.uri.path()).decode_utf8_lossy();
        let base_url = self.base_url(&parts.headers, &path);
        let behind = path.split_once(BASE_PATH).map(|(_, behind)| behind);
        let target = behind
            .filter(|behind| behind.is_empty() || behind.starts_with('/'))
            .and_then(Target::parse);
        let Some(target) = target else {
            let detail = format!(
                "there is nothing here: the base URL ends with `{BASE_PATH}`, and behind it are `/Users`, `/Groups`, `/Bulk`, `/ServiceProviderConfig`, `/ResourceTypes` and `/Schemas`"
            );
            return respond(Err(ScimError::NotFound(detail)), &parts.method, None);
        };
        if parts.method == Method::OPTIONS {
            let mut response = respond(Ok(Reply::empty(204)), &Method::OPTIONS, None);
            let methods = HeaderValue::from_static(target.methods());
            response.headers_mut().insert(ALLOW, methods);
            return response;
        }
        let methods = target.methods();
        let operation = Operation {
            // RFC 9110 §9.3.2: HEAD is GET without the body.
            method: match &parts.method {
                &Method::HEAD => Method::GET,
                method => method.clone(),
            },
            target,
            query: parts.uri.query().unwrap_or_default(),
            body: &body,
            precondition: Precondition::parse(
                text(&parts.headers, IF_MATCH.as_str()).as_deref(),
                text(&parts.headers, IF_NONE_MATCH.as_str()).as_deref(),
            ),
        };
        let key = text(&parts.headers, "idempotency-key");
        let mut served = Served {
            method: parts.method.clone(),
            target: operation.target.name(),
            jumpcloud: 0,
            dynamodb: 0,
            key_refused: false,
        };
        // It has room for every handler: too much to be moved about.
        let outcome = Box::pin(self.perform(
            id,
            &parts.headers,
            &base_url,
            &operation,
            key.as_deref(),
            &mut served,
        ))
        .await;
        served.key_refused = matches!(outcome, Err(ScimError::KeyRefused));
        let mut response = respond(outcome, &parts.method, Some(methods));
        response.extensions_mut().insert(served);
        response
    }

    async fn perform(
        &self,
        id: &str,
        headers: &HeaderMap,
        base_url: &str,
        operation: &Operation<'_>,
        key: Option<&str>,
        served: &mut Served,
    ) -> Result<Reply, ScimError> {
        if operation.target.is_discovery() && self.config.scim.public_discovery {
            return discover(base_url, operation);
        }
        let access = self.authenticate(headers).await?;
        if access.scope == Scope::Read && !operation.only_reads() {
            return Err(ScimError::ReadOnlyToken);
        }
        let now = (self.clock)();
        let deadline = Instant::now() + TIME_LIMIT;
        let call = Call {
            config: &self.config,
            access: &access,
            jumpcloud: self.jumpcloud.begin(deadline),
            state: self.state.for_run(),
            scribe: &self.scribe,
            base_url,
            id: id.into(),
            now,
            until: now.saturating_add(TIME_LIMIT).unwrap_or(now),
            deadline,
        };
        let outcome = match key {
            Some(key) => idempotency::once(&call, operation, key).await,
            None => call.perform(operation).await,
        };
        served.jumpcloud = call.jumpcloud.calls();
        served.dynamodb = call.state.calls();
        tracing::info!(
            request.id = id,
            client = %access.client,
            method = %operation.method,
            target = operation.target.name(),
            status = outcome.as_ref().map_or_else(ScimError::status, |reply| reply.status),
            jumpcloud = served.jumpcloud,
            dynamodb = served.dynamodb,
            "answered"
        );
        outcome
    }

    async fn authenticate(&self, headers: &HeaderMap) -> Result<Access, ScimError> {
        let token = bearer(headers).or_else(|| text(headers, "x-api-key"));
        let token = SecretString::from(token.ok_or(ScimError::NoToken)?);
        let access = self.tokens.access(&token).await?;
        access.ok_or(ScimError::UnknownToken)
    }

    /// Where this service is for the client: behind a stage, a mapping or a domain of one's own.
    fn base_url(&self, headers: &HeaderMap, path: &str) -> String {
        let host = text(headers, HOST.as_str()).unwrap_or_else(|| "localhost".to_owned());
        let stage = path.split_once(BASE_PATH).map_or("", |(stage, _)| stage);
        format!("{}://{host}{stage}{BASE_PATH}", self.scheme)
    }
}

impl Call<'_> {
    /// Performs one operation of a client who may ask for it.
    pub(crate) async fn perform(&self, operation: &Operation<'_>) -> Result<Reply, ScimError> {
        let Operation { method, target, .. } = operation;
        match (target, method) {
            (Target::Root, &Method::GET) => listing::everything(self, operation).await,
            (Target::Search, &Method::POST) => listing::search_everything(self, operation).await,
            (Target::Bulk, &Method::POST) => bulk::perform(self, operation).await,
            (Target::Me, _) => Err(ScimError::NotImplemented(
                "a token is a client's and no user's: there is no `/Me` (RFC 7644 §3.11)"
                    .to_owned(),
            )),
            (target, _) if target.is_discovery() => discover(self.base_url, operation),
            _ => self.perform_on_resources(operation).await,
        }
    }

    /// Performs one operation on users or on groups.
    pub(crate) async fn perform_on_resources(
        &self,
        operation: &Operation<'_>,
    ) -> Result<Reply, ScimError> {
        let Operation { method, target, .. } = operation;
        match (target, method) {
            (Target::Users, &Method::GET) => listing::users(self, operation).await,
            (Target::UsersSearch, &Method::POST) => listing::search_users(self, operation).await,
            (Target::Users, &Method::POST) => users::create(self, operation).await,
            (Target::User(id), &Method::GET) => users::read(self, id, operation).await,
            (Target::User(id), &Method::PUT) => users::replace(self, id, operation).await,
            (Target::User(id), &Method::PATCH) => users::patch(self, id, operation).await,
            (Target::User(id), &Method::DELETE) => users::delete(self, id, operation).await,
            (Target::Groups, &Method::GET) => groups::list(self, operation).await,
            (Target::GroupsSearch, &Method::POST) => groups::search(self, operation).await,
            (Target::Groups, &Method::POST) => groups::create(self, operation).await,
            (Target::Group(id), &Method::GET) => groups::read(self, id, operation).await,
            (Target::Group(id), &Method::PUT) => groups::replace(self, id, operation).await,
            (Target::Group(id), &Method::PATCH) => groups::patch(self, id, operation).await,
            (Target::Group(id), &Method::DELETE) => groups::delete(self, id, operation).await,
            _ => Err(operation.not_allowed()),
        }
    }

    /// The answer that a resource is, with what the client wants of it.
    pub(crate) fn reply(&self, status: u16, resource: Resource, projection: &Projection) -> Reply {
        let id = resource.get("id").and_then(Value::as_str);
        let endpoint = projection.resource_type().endpoint;
        Reply {
            status,
            location: Some(self.location(endpoint, id.unwrap_or_default())),
            version: Some(version(&resource)),
            body: Some(Value::Object(projection.project(resource))),
        }
    }

    /// The absolute URI of a resource.
    pub(crate) fn location(&self, endpoint: &str, id: &str) -> String {
        format!("{}{endpoint}/{id}", self.base_url)
    }
}

/// An id that sorts by time.
fn id_of(now: Timestamp) -> String {
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let nanoseconds = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
    let time = uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanoseconds);
    uuid::Uuid::new_v7(time).to_string()
}

/// How often is tried what somebody else's write came between.
const ATTEMPTS: usize = 3;

/// Begins anew, a few times, what rests on something that somebody else changed meanwhile.
pub(crate) async fn while_changed<T, F>(attempt: impl Fn() -> F) -> Result<T, ScimError>
where
    F: Future<Output = Result<T, ScimError>>,
{
    for _ in 1..ATTEMPTS {
        match attempt().await {
            Err(ScimError::Changed) => {}
            outcome => return outcome,
        }
    }
    attempt().await
}

fn discover(base_url: &str, operation: &Operation<'_>) -> Result<Reply, ScimError> {
    if operation.method != Method::GET {
        return Err(operation.not_allowed());
    }
    discovery::refuse_filter(operation.query)?;
    let body = match operation.target {
        Target::ServiceProviderConfig => discovery::service_provider_config(base_url),
        Target::ResourceTypes => discovery::resource_types(base_url),
        Target::ResourceType(name) => discovery::resource_type(name, base_url)?,
        Target::Schemas => discovery::schemas(base_url),
        Target::Schema(urn) => discovery::schema(urn, base_url)?,
        _ => return Err(operation.not_allowed()),
    };
    Ok(Reply::ok(body))
}

/// The token of `Authorization: Bearer`, whose scheme is written in any case (RFC 9110 §11.1).
fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = text(headers, AUTHORIZATION.as_str())?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim().to_owned())
}

/// A header's values, joined by commas as RFC 9110 §5.3 has it.
fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Vec<&str> = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    (!values.is_empty()).then(|| values.join(", "))
}

/// The answer to a request that never became an operation.
pub(crate) fn refusal(error: ScimError) -> Response<Bytes> {
    respond(Err(error), &Method::GET, None)
}

fn respond(
    outcome: Result<Reply, ScimError>,
    method: &Method,
    methods: Option<&'static str>,
) -> Response<Bytes> {
    let mut headers = HeaderMap::new();
    let mut insert = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    let (status, body) = match outcome {
        Ok(reply) => {
            if let Some(location) = &reply.location {
                insert(LOCATION, location);
            }
            if let Some(version) = &reply.version {
                insert(ETAG, version);
            }
            (reply.status, reply.body)
        }
        Err(error) => {
            if let Some(challenge) = error.challenge() {
                insert(WWW_AUTHENTICATE, challenge);
            }
            if let ScimError::MethodNotAllowed(_) = error {
                insert(ALLOW, methods.unwrap_or_default());
            }
            if let Some(seconds) = error.retry_after() {
                insert(RETRY_AFTER, &seconds.to_string());
            }
            (error.status(), Some(error.body()))
        }
    };
    let body = match body.map(|body| body.to_string()) {
        Some(body) if length_in_json(&body) > LARGEST_ANSWER => {
            let detail = "the answer would be larger than 6 MB: ask for less with `count`, `attributes` or `excludedAttributes`";
            return respond(
                Err(ScimError::invalid(ScimType::TooMany, detail)),
                method,
                methods,
            );
        }
        Some(body) => {
            insert(CONTENT_TYPE, MEDIA_TYPE);
            Bytes::from(body)
        }
        None => Bytes::new(),
    };
    let body = if method == Method::HEAD {
        // As long as the answer to GET would be (RFC 9110 §8.6).
        headers.insert(CONTENT_LENGTH, body.len().into());
        Bytes::new()
    } else {
        body
    };
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = headers;
    response
}

/// How long a JSON text is as a string in JSON: what it quotes itself is quoted once more.
fn length_in_json(text: &str) -> usize {
    let quoted = text.bytes().filter(|byte| matches!(byte, b'"' | b'\\'));
    text.len() + quoted.count()
}
