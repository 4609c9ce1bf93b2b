//! The AWS account, and the way there.
//!
//! Lambda hands a function its Region and credentials in the environment, good for as long as the container lives. Only
//! a person's machine has profiles and sessions to look through, which is what `aws-config` is for; the functions carry
//! none of it. Requests take the HTTP client that the vendors are asked with: one stack for TLS, not two.

use std::fmt;
use std::time::Duration;

use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::config::{
    BehaviorVersion, Credentials, Region, SharedCredentialsProvider,
};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::Headers;
use aws_types::SdkConfig;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

use crate::StartError;

/// As the AWS SDK's own client has it.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(3_100);

/// How long a request may take in all, its repetitions among it: somebody waits for its answer.
const LONGEST_OPERATION: Duration = Duration::from_secs(15);

/// How long one attempt may take.
const LONGEST_ATTEMPT: Duration = Duration::from_secs(5);

/// The account that Lambda runs a function in, from the environment variables that it
/// [sets](https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html): Region, credentials, and, for a
/// stand-in, `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>`. Nothing is sent; credentials that are missing are told
/// by the first request.
pub(crate) fn function_account(
    var: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
) -> Result<SdkConfig, StartError> {
    let region = var("AWS_REGION").or_else(|| var("AWS_DEFAULT_REGION"));
    let mut account = account()?.region(region.map(Region::new)).timeout_config(
        TimeoutConfig::builder()
            .operation_timeout(LONGEST_OPERATION)
            .operation_attempt_timeout(LONGEST_ATTEMPT)
            .build(),
    );
    if let (Some(id), Some(secret)) = (var("AWS_ACCESS_KEY_ID"), var("AWS_SECRET_ACCESS_KEY")) {
        let session = var("AWS_SESSION_TOKEN");
        account = account.credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            id,
            secret,
            session,
            None,
            "environment",
        )));
    }
    account.set_endpoint_url(var("AWS_ENDPOINT_URL"));
    Ok(account.service_config(Variables(var)).build())
}

/// An account that is none: whatever speaks AWS's protocols at `url` and takes any credentials, as the sandbox does.
pub fn stand_in(url: &str) -> Result<SdkConfig, StartError> {
    let nobody = Credentials::new("local", "local", None, None, "stand-in");
    let account = account()?
        .region(Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(nobody))
        .endpoint_url(url);
    Ok(account.build())
}

fn account() -> Result<aws_types::sdk_config::Builder, StartError> {
    Ok(SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .retry_config(RetryConfig::standard())
        .http_client(http_client()?))
}

/// The HTTP client for AWS. Redirects are not followed, proxies not used; only the SDK repeats a request. A connection has
/// 3.1 s to come about, whatever a configuration says; the SDK's other time-outs hold.
pub fn http_client() -> Result<SharedHttpClient, StartError> {
    let http = clients::client_builder(CONNECT_TIMEOUT)
        .build()
        .map_err(StartError::Http)?;
    Ok(SharedHttpClient::new(Http(http)))
}

/// Endpoints of single services, from the environment.
struct Variables<V>(V);

impl<V> fmt::Debug for Variables<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Variables")
    }
}

impl<V> LoadServiceConfig for Variables<V>
where
    V: Fn(&str) -> Option<String> + Send + Sync,
{
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().to_uppercase().replace([' ', '-'], "_");
        (self.0)(&format!("{}_{service}", key.env()))
    }
}

/// What the SDK sends its requests with. They share connections, whatever their time-outs.
#[derive(Debug)]
struct Http(reqwest::Client);

impl HttpClient for Http {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            http: self.0.clone(),
            read_timeout: settings.read_timeout(),
        })
    }
}

#[derive(Debug, Clone)]
struct Connector {
    http: reqwest::Client,
    read_timeout: Option<Duration>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connector = self.clone();
        HttpConnectorFuture::new(async move { connector.send(request).await })
    }
}

impl Connector {
    async fn send(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let Some(body) = request.body().bytes().map(<[u8]>::to_vec) else {
            return Err(ConnectorError::user("streams are not sent".into()));
        };
        let request = request
            .try_into_http1x()
            .map_err(|error| ConnectorError::user(error.into()))?;
        let mut request =
            reqwest::Request::try_from(request.map(|_| body)).map_err(connector_error)?;
        *request.timeout_mut() = self.read_timeout;
        let mut answer = self.http.execute(request).await.map_err(connector_error)?;
        let status = answer.status().as_u16();
        let headers = std::mem::take(answer.headers_mut());
        let body = answer.bytes().await.map_err(connector_error)?;
        let unreadable = |error| ConnectorError::other(error, None);
        let status = status
            .try_into()
            .map_err(|error| unreadable(Box::from(error)))?;
        let headers = Headers::try_from(headers).map_err(|error| unreadable(Box::from(error)))?;
        let mut response = HttpResponse::new(status, body.into());
        *response.headers_mut() = headers;
        Ok(response)
    }
}

/// Whether the SDK may repeat the request: after a time-out and where the connection failed.
fn connector_error(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else if error.is_builder() {
        ConnectorError::user(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_secretsmanager::Client;
    use aws_sdk_secretsmanager::error::DisplayErrorContext;
    use serde_json::json;
    use wiremock::matchers::{header, header_exists, header_regex, method};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    /// What Lambda sets, with Secrets Manager at this address.
    fn lambda(url: String) -> impl Fn(&str) -> Option<String> + Send + Sync + 'static {
        move |name| {
            Some(match name {
                "AWS_REGION" => "eu-central-1".to_owned(),
                "AWS_ACCESS_KEY_ID" => "AKID".to_owned(),
                "AWS_SECRET_ACCESS_KEY" => "secret".to_owned(),
                "AWS_SESSION_TOKEN" => "session".to_owned(),
                "AWS_ENDPOINT_URL" => "http://127.0.0.1:1".to_owned(),
                "AWS_ENDPOINT_URL_SECRETS_MANAGER" => url.clone(),
                _ => return None,
            })
        }
    }

    async fn read(account: &SdkConfig) -> Result<String, String> {
        let answer = Client::new(account).get_secret_value().secret_id("key");
        match answer.send().await {
            Ok(value) => Ok(value.secret_string().unwrap_or_default().to_owned()),
            Err(error) => Err(DisplayErrorContext(error).to_string()),
        }
    }

    #[tokio::test]
    async fn function_asks_with_what_lambda_gave_it() {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .and(header("x-amz-target", "secretsmanager.GetSecretValue"))
            .and(header("x-amz-security-token", "session"))
            .and(header_exists("x-amz-date"))
            .and(header_regex(
                "authorization",
                "Credential=AKID/[0-9]{8}/eu-central-1/secretsmanager/",
            ))
            .respond_with(ResponseTemplate::new(200).set_body_json(json!({"SecretString": "k"})))
            .expect(1)
            .mount(&server)
            .await;

        let account = function_account(lambda(server.uri())).unwrap();

        assert_eq!(read(&account).await, Ok("k".to_owned()));
    }

    #[tokio::test]
    async fn failure_is_asked_again_and_its_words_arrive() {
        let server = MockServer::start().await;
        let broken = json!({"__type": "InternalServiceError", "Message": "try again"});
        Mock::given(method("POST"))
            .respond_with(ResponseTemplate::new(500).set_body_json(broken))
            .expect(3)
            .mount(&server)
            .await;

        let account = function_account(lambda(server.uri())).unwrap();

        let error = read(&account).await.unwrap_err();
        assert!(error.contains("try again"), "{error}");
    }

    #[tokio::test]
    async fn nobody_there_is_told_as_such() {
        let account = function_account(lambda("http://127.0.0.1:1".to_owned())).unwrap();

        let error = read(&account).await.unwrap_err();

        assert!(error.contains("dispatch failure"), "{error}");
        assert!(error.contains("onnection refused"), "{error}");
    }

    #[tokio::test]
    async fn function_without_credentials_starts_and_its_requests_say_so() {
        let lambda = lambda("http://127.0.0.1:1".to_owned());
        let without = move |name: &str| lambda(name).filter(|_| !name.contains("KEY"));

        let account = function_account(without).unwrap();

        let error = read(&account).await.unwrap_err();
        assert!(
            error.contains("no credentials") || error.contains("identity"),
            "{error}"
        );
    }
}
