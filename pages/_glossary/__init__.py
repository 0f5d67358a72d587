"""What the page of the glossary shows."""
