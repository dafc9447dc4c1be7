"""The archive of decisions: its entries, the tree over a day of them, and the check of both."""
