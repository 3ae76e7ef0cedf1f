package main

// Table gives each text a number, once for all clients. What one client is told others are told too, in the same order:
// so a text is first compared with the one that came after its predecessor the last time.
type Table struct {
	texts []string
	ids   map[string]int32
	// By number: what came after it.
	next []int32
	last int32
}

// The first numbers stand for something else.
func newTable(reserved int) *Table {
	return &Table{texts: make([]string, reserved), ids: map[string]int32{}, next: make([]int32, reserved)}
}

func (table *Table) id(text []byte) int32 {
	id := table.next[table.last]
	if string(text) != table.texts[id] {
		id = table.lookUp(text)
		table.next[table.last] = id
	}
	table.last = id
	return id
}

func (table *Table) lookUp(text []byte) int32 {
	if id, known := table.ids[string(text)]; known {
		return id
	}
	id := int32(len(table.texts))
	table.texts = append(table.texts, string(text))
	table.next = append(table.next, 0)
	table.ids[string(text)] = id
	return id
}
