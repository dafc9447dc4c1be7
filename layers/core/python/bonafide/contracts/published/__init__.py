"""Events on the account's bus, for whoever subscribes to them."""
