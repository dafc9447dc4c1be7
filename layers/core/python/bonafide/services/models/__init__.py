"""The registry of model versions: registration, promotions, aliases and history."""
