"""X.509 in memory and TLS contexts: who a peer is, and whom a door admits (認証基盤)."""
