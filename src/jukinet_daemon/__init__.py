"""都道府県サーバ・附票都道府県サーバ: the open reference server of a prefecture in 住基ネット."""
