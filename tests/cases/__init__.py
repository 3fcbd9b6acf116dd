"""悪い入力の事例: what is sent to a door and the exact answer; docs/abuse.md is written from these."""
