"""Reports of erasures, and exports of what is held on a person."""
