from local.aws.api.limits import RateLimit, TokenBucket


def test_tokens_come_back_at_the_rate_and_never_exceed_the_burst() -> None:
    now = 0.0
    bucket = TokenBucket(RateLimit(rate=0.5, burst=2), lambda: now)
    assert [bucket.take() for _ in range(3)] == [True, True, False]
    now = 1.9
    assert not bucket.take()
    now = 2.0
    assert [bucket.take(), bucket.take()] == [True, False]
    now = 1000.0
    assert [bucket.take() for _ in range(3)] == [True, True, False]
