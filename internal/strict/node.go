package strict

import (
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// kind says what a node is.
type kind uint8

const (
	nullNode    kind = iota + 1
	flagNode         // true, false
	integerNode      // in any form that YAML has
	numberNode       // with a fraction or an exponent, infinite, or none
	textNode
	blockNode     // text over several lines, behind | or >
	listNode      // items
	fieldsNode    // items: key, value, key, value …
	referenceNode // anchor, alias, merge key
	tagNode
	otherNode
)

// node is a part of a document, by whichever reader.
type node struct {
	kind    kind
	braces  bool   // of fields
	plain   bool   // a scalar without quotes: text, a number, true or false
	scalar  bool   // neither list nor fields
	flag    bool   // of flagNode
	large   bool   // of integerNode: number does not hold it
	line    int32  // from 1; 0: not known
	column  int32  // from 1
	written string // as it stands in the file, without quotes; of a list or of fields, the sign that begins it
	text    string // of textNode and blockNode
	number  int64  // of integerNode
	items   []*node

	colonLine, colon int32 // of fields without braces: where their first colon stands
}

// nodeOf is a node of the parser's tree; nil where that has none.
func nodeOf(n ast.Node) *node {
	if n == nil {
		return nil
	}
	x := &node{kind: otherNode}
	_, x.scalar = n.(ast.ScalarNode)
	if t := n.GetToken(); t != nil {
		x.written = t.Value
		if t.Position != nil {
			x.line, x.column = int32(t.Position.Line), int32(t.Position.Column)
		}
	}
	if t := n.GetToken(); t != nil {
		switch t.Type {
		case token.StringType, token.IntegerType, token.FloatType, token.BoolType:
			x.plain = x.scalar
		}
	}
	switch n := n.(type) {
	case *ast.NullNode:
		x.kind = nullNode
	case *ast.BoolNode:
		x.kind, x.flag = flagNode, n.Value
	case *ast.IntegerNode:
		x.kind = integerNode
		switch v := n.Value.(type) {
		case int64:
			x.number = v
		case uint64:
			x.number, x.large = int64(v), v > 1<<62
		}
	case *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		x.kind = numberNode
	case *ast.StringNode:
		x.kind, x.text = textNode, n.Value
	case *ast.LiteralNode:
		x.kind, x.text = blockNode, n.Value.Value
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		x.kind = referenceNode
	case *ast.TagNode:
		x.kind = tagNode
	case *ast.SequenceNode:
		x.kind = listNode
		x.items = make([]*node, len(n.Values))
		for i, v := range n.Values {
			x.items[i] = nodeOf(v)
		}
	case *ast.MappingNode:
		x.kind = fieldsNode
		x.pairs(n.Values, n.IsFlowStyle)
	case *ast.MappingValueNode:
		x.kind = fieldsNode
		x.pairs([]*ast.MappingValueNode{n}, false)
	}
	return x
}

// pairs takes the fields. Without braces they begin where the first key does: a mapping's own token is its first colon.
func (x *node) pairs(all []*ast.MappingValueNode, braces bool) {
	x.items = make([]*node, 0, 2*len(all))
	for _, p := range all {
		x.items = append(x.items, nodeOf(p.Key), nodeOf(p.Value))
	}
	if x.braces = braces; !braces && len(all) > 0 {
		x.colonLine, x.colon = x.line, x.column
		x.line, x.column = x.items[0].line, x.items[0].column
	}
}
