"""模擬: municipalities, national servers, dedicated lines and people, none of whom uses our judgement."""
