//! The service on a listener of one's own: what `rollcall serve` runs. Nothing is decided here.

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::Response;
use axum::response::IntoResponse;
use uuid::Uuid;

use crate::error::ScimError;
use crate::resource::MAX_PAYLOAD_BYTES;
use crate::service::{Service, refusal};

/// The service as a router: every path is its own, so that unknown ones are answered as SCIM has it.
pub fn app(service: Service) -> Router {
    Router::new().fallback(answer).with_state(service)
}

async fn answer(State(service): State<Service>, request: Request) -> impl IntoResponse {
    let id = Uuid::now_v7().to_string();
    let (parts, body) = request.into_parts();
    let response: Response<Bytes> = match to_bytes(body, MAX_PAYLOAD_BYTES).await {
        Ok(body) => service.answer(&id, Request::from_parts(parts, body)).await,
        Err(_) => refusal(ScimError::TooLarge(format!(
            "the body may be at most {MAX_PAYLOAD_BYTES} bytes long"
        ))),
    };
    response.map(axum::body::Body::from)
}
