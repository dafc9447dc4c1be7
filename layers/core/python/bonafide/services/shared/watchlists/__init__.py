"""Search of watchlists, as decisions and registrations need it."""
