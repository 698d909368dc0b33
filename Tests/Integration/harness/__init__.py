"""What the integration tests share: real nodes, a small HTTP client, histories of sends."""
