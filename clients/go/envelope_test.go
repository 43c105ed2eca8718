package envelope

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

// Plays the test vectors of messages. ENVELOPE_VECTORS is the path of test/protocol/vectors/messages.json.
func TestVectors(t *testing.T) {
	path := os.Getenv("ENVELOPE_VECTORS")
	if path == "" {
		path = "../../test/protocol/vectors/messages.json"
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			Rule, Name, Hex string
			Text            *string
			Verdict         struct {
				Accepted map[string]any
				Refused  string
			}
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	played := 0
	for _, vector := range file.Vectors {
		verdict := vector.Verdict
		// a client decides these elsewhere, or not at all
		if verdict.Refused == "too_deep" || verdict.Refused == "reserved_event" || strings.HasPrefix(vector.Name, "$auth without") {
			continue
		}
		played++
		t.Run(vector.Rule+" "+vector.Name, func(t *testing.T) {
			raw, _ := hex.DecodeString(vector.Hex)
			if vector.Text != nil {
				raw = []byte(*vector.Text)
			}
			message, err := Decode(raw)
			if verdict.Refused != "" {
				if err != BadMessage(verdict.Refused) {
					t.Errorf("expected %s, got %v", verdict.Refused, err)
				}
			} else if seen := fieldsOf(t, message); err != nil || !reflect.DeepEqual(seen, verdict.Accepted) {
				t.Errorf("expected %v, got %v, %v", verdict.Accepted, seen, err)
			}
		})
	}
	fmt.Println(played, "vectors")
}

// fieldsOf returns the fields of a message as encoding/json reads them.
func fieldsOf(t *testing.T, message Message) map[string]any {
	fields := map[string]any{}
	add := func(name string, value any, isPresent bool) {
		if isPresent {
			fields[name] = value
		}
	}
	add("event", message.Event, message.Event != "")
	add("data", message.Data, message.Data != nil)
	add("id", message.ID, message.ID != nil)
	add("ack", message.Ack, message.Ack != nil)
	add("stream", true, message.Stream)
	add("more", true, message.More)
	add("meta", message.Meta, message.Meta != nil)
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	var read map[string]any
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	return read
}
