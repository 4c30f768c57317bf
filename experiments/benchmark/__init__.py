"""What an optimizer step of one replica costs, ours and that of others, measured side by side in one run."""
