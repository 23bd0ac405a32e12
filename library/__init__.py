"""What the owner has: tables and rules."""
