/// Completes when the program is told to stop: SIGTERM, or Ctrl-C.
pub(super) async fn signal() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            biased;
            _ = term.recv() => Ok(()),
            outcome = tokio::signal::ctrl_c() => outcome,
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
