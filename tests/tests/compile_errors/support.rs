//! What the cases need of a runtime.

pub fn spawn(task: impl Future<Output: Send + 'static> + Send + 'static) {
    drop(task);
}

pub async fn pause() {
    std::future::ready(()).await;
}
