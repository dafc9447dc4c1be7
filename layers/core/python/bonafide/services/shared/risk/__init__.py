"""Assessment of calls, which authentications and sessions share."""
