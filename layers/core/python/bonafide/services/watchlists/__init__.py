"""Registration of fraudsters, and the search for voices that are enrolled twice."""
