"""Load on a deployed stage, or on `make serve`: `make load ENDPOINT= [CALLS=]`."""
