"""Networks whose weights come with the package."""
