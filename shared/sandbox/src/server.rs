//! The listener, and the way of every request: recorded, struck by faults, answered by the system that it is for.
//!
//! Which answer is right is the vendors' files' to say.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{CONTENT_LENGTH, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use crate::SandboxError;
use crate::control;
use crate::faults::Dropped;
use crate::requests::{UnderWay, Work};
use crate::state::Shared;
use crate::wire::{Answer, Call, Vendor};

type Body = UnsyncBoxBody<Bytes, Dropped>;

/// The running listener.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    /// Dropping it ends the listener and every connection.
    stop: oneshot::Sender<()>,
    listener: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(port: u16, shared: Arc<Shared>) -> Result<Self, SandboxError> {
        let failed = |source| SandboxError::Listen { port, source };
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (stop, stopped) = oneshot::channel();
        Ok(Self {
            address,
            stop,
            listener: tokio::spawn(listen(listener, shared, stopped)),
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) async fn stop(self) {
        drop(self.stop);
        if let Err(error) = self.listener.await {
            tracing::error!(%error, "the sandbox did not stop cleanly");
        }
    }
}

async fn listen(listener: TcpListener, shared: Arc<Shared>, mut stopped: oneshot::Receiver<()>) {
    // Dropped at the end, and every connection with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&shared)));
                }
                Err(error) => tracing::warn!(%error, "a connection was not accepted"),
            },
            Some(_) = connections.join_next() => {}
            _ = &mut stopped => return,
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "answers may be held back");
    }
    let service = service_fn(move |request| respond(Arc::clone(&shared), request));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Answers one request. An error closes the connection without an answer: hyper's way with a service's error.
async fn respond(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Dropped> {
    let Ok(call) = Call::receive(request).await else {
        return Err(Dropped);
    };
    match call.vendor() {
        Some(vendor) => respond_as(vendor, &shared, call).await,
        None if call.path == "/login" => Ok(whole(Answer::html(StatusCode::OK))),
        None => Ok(whole(control::answer(&shared, &call))),
    }
}

async fn respond_as(
    vendor: Vendor,
    shared: &Arc<Shared>,
    call: Call,
) -> Result<Response<Body>, Dropped> {
    let under_way = UnderWay::begin(shared, vendor, &call);
    let (struck, latency) = {
        let mut state = shared.lock();
        let latency = state.latency.get(&vendor).copied();
        (state.faults.strike(vendor, &call), latency)
    };
    if let Some(latency) = latency {
        tokio::time::sleep(latency).await;
    }
    let answer = if let Some(instead) = struck.before().await? {
        instead
    } else {
        let moved = struck.moved(&call);
        let answer = dispatch(vendor, shared, moved.as_ref().unwrap_or(&call)).await;
        struck.distort(&call, answer)
    };
    let answer = struck.after(answer).await?.given_at(shared.clock.now());
    under_way.answered(answer.status.as_u16());
    Ok(if struck.truncates() {
        half(answer)
    } else {
        whole(answer)
    })
}

async fn dispatch(vendor: Vendor, shared: &Shared, call: &Call) -> Answer {
    let now = shared.clock.now();
    let _work = Work::begin(shared);
    match vendor {
        Vendor::JumpCloud => shared.lock().jumpcloud.answer(call, now),
        Vendor::Deel => shared.lock().deel.answer(call),
        Vendor::Humaans => shared.lock().humaans.answer(call),
        Vendor::DynamoDb => shared.dynamodb.forward(call).await,
        Vendor::SecretsManager => shared.lock().secrets.answer(call, now),
        Vendor::Sns => shared.lock().topics.answer(call),
    }
}

fn whole(answer: Answer) -> Response<Body> {
    let body = Full::new(answer.body).map_err(|never| match never {});
    response(answer.status, answer.headers, body.boxed_unsync())
}

/// Announces the whole answer and breaks off in its middle.
fn half(mut answer: Answer) -> Response<Body> {
    let length = HeaderValue::from(answer.body.len());
    answer.headers.insert(CONTENT_LENGTH, length);
    let first = answer.body.slice(..answer.body.len() / 2);
    let broken_off = async {
        // Lets the first half reach the wire before the connection is closed.
        tokio::task::yield_now().await;
        Err(Dropped)
    };
    let frames = stream::iter([Ok(Frame::data(first))]).chain(stream::once(broken_off));
    let body = StreamBody::new(frames).boxed_unsync();
    response(answer.status, answer.headers, body)
}

fn response(status: StatusCode, headers: hyper::HeaderMap, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
