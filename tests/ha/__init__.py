"""高可用: a Patroni cluster of three on loopback, a prefecture on it, and a leader that is killed."""
