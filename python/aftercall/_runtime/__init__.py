"""What runs inside zygote and child. Nothing of this is for users to import."""
