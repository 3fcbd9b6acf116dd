"""停電: a disk that forgets what was not fsynced, and PostgreSQL on it under a daemon at work."""
