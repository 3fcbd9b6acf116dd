"""比較の相手: what others would build for the same work, and how it is installed and run."""
