package main

import (
	"testing"

	"headcount/cmd/cli/clitest"
)

func TestTree(t *testing.T) { clitest.Tree(t, root) }
