//! The page of the metrics, over HTTP.
//!
//! It has a thread and a runtime of its own, whatever the filter runs on, and little of everything: who holds connections
//! open, or reads slowly, keeps others from the metrics for a while, but no message from the filter.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use milter_proto::ACCEPT_BACK_OFF;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tokio::net::{TcpListener as Listener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

/// How many connections are served at once; the next ones wait in the system's queue.
const CONNECTIONS: usize = 8;

/// How long a connection may last: one request and its answer.
const DURATION: Duration = Duration::from_secs(10);

/// How long the head of a request may be, in octets: the least that hyper takes.
const REQUEST: usize = 8 * 1024;

const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// Serves the metrics for as long as the process lives; tells where.
pub(super) fn serve(listener: TcpListener, registry: Registry) -> io::Result<SocketAddr> {
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let entered = runtime.enter();
    let listener = Listener::from_std(listener)?;
    drop(entered);
    std::thread::Builder::new()
        .name("metrics".to_owned())
        .spawn(move || match runtime.block_on(accept(listener, Arc::new(registry))) {})?;
    Ok(address)
}

async fn accept(listener: Listener, registry: Arc<Registry>) -> Infallible {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // Nobody closes it.
        let place = Arc::clone(&places).acquire_owned().await.ok();
        match listener.accept().await {
            Ok((stream, _)) => {
                let registry = Arc::clone(&registry);
                tokio::spawn(async move {
                    let ended = timeout(DURATION, answer(stream, &registry)).await;
                    tracing::debug!("a request for the metrics: {ended:?}");
                    drop(place);
                });
            }
            // Whatever it is: the filter says so in its log.
            Err(_) => sleep(ACCEPT_BACK_OFF).await,
        }
    }
}

async fn answer(stream: TcpStream, registry: &Registry) -> hyper::Result<()> {
    let page = service_fn(|request| async move { Ok::<_, Infallible>(page(&request, registry)) });
    http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(REQUEST)
        .serve_connection(TokioIo::new(stream), page)
        .await
}

fn page(request: &Request<Incoming>, registry: &Registry) -> Response<Full<Bytes>> {
    let mut text = String::new();
    let status = match (request.uri().path(), request.method()) {
        ("/metrics", &Method::GET | &Method::HEAD) => match encode(&mut text, registry) {
            Ok(()) => StatusCode::OK,
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
        },
        ("/metrics", _) => StatusCode::METHOD_NOT_ALLOWED,
        _ => StatusCode::NOT_FOUND,
    };
    let mut response = Response::new(Full::new(text.into()));
    if status == StatusCode::OK {
        response.headers_mut().insert(CONTENT_TYPE, OPEN_METRICS);
    }
    *response.status_mut() = status;
    response
}
