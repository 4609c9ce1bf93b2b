//! The service on a listener of one's own: what `rollcall serve` runs. Nothing is decided here.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::Response;
use axum::response::IntoResponse;
use tokio::time::timeout;
use uuid::Uuid;

use crate::error::ScimError;
use crate::resource::MAX_PAYLOAD_BYTES;
use crate::service::{Service, refusal};

/// A client that sends nothing more is not waited for any longer.
const READING_TIME: Duration = Duration::from_secs(30);

/// The service as a router: every path is its own, so that unknown ones are answered as SCIM has it.
pub fn app(service: Service) -> Router {
    Router::new().fallback(answer).with_state(service)
}

async fn answer(State(service): State<Service>, request: Request) -> impl IntoResponse {
    let id = Uuid::now_v7().to_string();
    let (parts, body) = request.into_parts();
    let response: Response<Bytes> = match read(body).await {
        Ok(body) => service.answer(&id, Request::from_parts(parts, body)).await,
        Err(error) => refusal(error),
    };
    response.map(Body::from)
}

async fn read(body: Body) -> Result<Bytes, ScimError> {
    let read = timeout(READING_TIME, to_bytes(body, MAX_PAYLOAD_BYTES)).await;
    let read = read.map_err(|_| ScimError::TimedOut {
        seconds: READING_TIME.as_secs(),
    })?;
    read.map_err(|_| {
        ScimError::TooLarge(format!(
            "the body may be at most {MAX_PAYLOAD_BYTES} bytes long"
        ))
    })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream::{self, Stream, StreamExt};

    use super::*;

    fn body(chunks: impl Stream<Item = &'static str> + Send + 'static) -> Body {
        Body::from_stream(chunks.map(Ok::<_, Infallible>))
    }

    #[tokio::test]
    async fn body_that_never_ends_is_not_waited_for() {
        tokio::time::pause();
        let endless = stream::iter(["{"]).chain(stream::pending());
        assert_eq!(read(body(endless)).await.unwrap_err().status(), 408);
        let too_long = body(stream::repeat("{"));
        assert_eq!(read(too_long).await.unwrap_err().status(), 413);
        assert_eq!(read(Body::from("{}")).await.unwrap(), "{}");
    }
}
