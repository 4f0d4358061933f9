package template

import "fmt"

// notGlobal are the properties of a function that SAM takes only from the
// function itself.
// Source: AWS SAM developer guide, sam-specification-template-anatomy-globals.
var notGlobal = map[string]bool{
	"AutoPublishCodeSha256": true, "Events": true, "FunctionName": true, "ImageConfig": true, "ImageUri": true,
	"InlineCode": true, "PackageType": true, "Policies": true, "Role": true, "VersionDescription": true,
}

// globalTypes are the kinds of resource that Globals can speak of.
var globalTypes = []string{"Api", "CapacityProvider", "Function", "HttpApi", "LayerVersion", "SimpleTable", "StateMachine", "WebSocketApi"}

func (m *maker) checkGlobals() {
	globals := m.root.get("Globals")
	if globals == nil || globals.kind != mapping {
		return
	}
	for _, f := range globals.fields {
		known := false
		for _, t := range globalTypes {
			known = known || t == f.key.text
		}
		switch {
		case !known:
			m.fault(f.key, "Globals has no section "+quote(f.key.text), didYouMean(f.key.text, globalTypes))
		case f.value.kind != mapping:
			m.wrongKind(f.value, f.value, "a mapping")
		}
	}
	for _, f := range globals.get("Function").sectionFields() {
		if notGlobal[f.key.text] {
			m.fault(f.key, fmt.Sprintf("SAM does not take %s from Globals", f.key.text), "set it on each function")
		}
	}
}

func (n *node) sectionFields() []field {
	if n == nil || n.kind != mapping {
		return nil
	}
	return n.fields
}

// withGlobals is the properties of a resource on top of those that Globals has
// for its kind: mappings are merged, lists are joined (the global items first),
// and anything else of the resource's own replaces the global.
// Source: AWS SAM developer guide, sam-specification-template-anatomy-globals.
func (m *maker) withGlobals(kindOf string, properties *node) *node {
	globals := m.root.find("Globals", kindOf)
	if globals == nil || globals.kind != mapping {
		return properties
	}
	return merge(globals, properties)
}

func merge(global, own *node) *node {
	switch {
	case global.kind == mapping && own.kind == mapping:
		merged := own.as(mapping)
		for _, f := range global.fields {
			if mine := own.get(f.key.text); mine != nil {
				f = field{f.key, merge(f.value, mine)}
			}
			merged.fields = append(merged.fields, f)
		}
		for _, f := range own.fields {
			if global.get(f.key.text) == nil {
				merged.fields = append(merged.fields, f)
			}
		}
		return merged
	case global.kind == list && own.kind == list:
		merged := own.as(list)
		merged.items = append(append(merged.items, global.items...), own.items...)
		return merged
	}
	return own
}
