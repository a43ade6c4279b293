"""What a recipe will ask of its teachers, told before it asks: `mathmill plan RECIPE`."""
