"""金庫: encryption of 個人番号 at rest and its blind index, under keys that are never in the database."""
