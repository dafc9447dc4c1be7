"""What people may ask for: reports of erasures, and exports."""
