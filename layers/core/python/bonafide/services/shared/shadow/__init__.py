"""Offers to the shadow of the champion, and the comparison of both."""
