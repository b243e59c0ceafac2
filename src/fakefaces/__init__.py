"""fakefaces: tell doctored face photographs from real ones, and show why a figure can be believed."""

from fakefaces.base.environment import settle

settle()
