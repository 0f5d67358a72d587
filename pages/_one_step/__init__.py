"""What the page of one step shows, a file each."""
