// Lets `npx nestjs-envelope conformance --client` drive the client: docs/conformance.md describes the lines.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"envelope"
)

type command struct {
	Do    string          `json:"do"`
	URL   string          `json:"url"`
	Auth  map[string]any  `json:"auth"`
	Key   string          `json:"key"`
	Event string          `json:"event"`
	Data  json.RawMessage `json:"data"`
}

type report struct {
	Tell      string          `json:"tell"`
	Key       string          `json:"key,omitempty"`
	Event     string          `json:"event,omitempty"`
	Data      json.RawMessage `json:"data,omitempty"`
	ID        string          `json:"id,omitempty"`
	Recovered *bool           `json:"recovered,omitempty"`
	Code      int             `json:"code,omitempty"`
	Status    int             `json:"status,omitempty"`
	Returns   *bool           `json:"returns,omitempty"`
}

var writing sync.Mutex

func tell(line report) {
	writing.Lock()
	defer writing.Unlock()
	_ = json.NewEncoder(os.Stdout).Encode(line)
}

type program struct {
	client  *envelope.Client
	cancel  context.CancelFunc
	ended   chan struct{}
	mutex   sync.Mutex
	streams map[string]*envelope.Stream
}

func main() {
	program := &program{streams: map[string]*envelope.Stream{}}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var next command
		if err := json.Unmarshal(lines.Bytes(), &next); err != nil {
			panic(err)
		}
		program.do(next)
	}
	program.disconnect()
}

func (program *program) do(next command) {
	switch next.Do {
	case "connect":
		program.disconnect()
		program.connect(next)
	case "disconnect":
		program.cancel()
	case "emit":
		_ = program.client.Emit(next.Event, next.Data)
	case "ask":
		go program.ask(next)
	case "stream":
		go program.read(next)
	case "cancel":
		program.mutex.Lock()
		defer program.mutex.Unlock()
		program.streams[next.Key].Cancel()
	}
}

func (program *program) connect(next command) {
	client := &envelope.Client{
		URL:  next.URL,
		Base: 50 * time.Millisecond,
		OnConnect: func(session envelope.Session) {
			tell(report{Tell: "connected", ID: session.ID, Recovered: &session.Recovered})
		},
		OnDisconnect: func(end envelope.End) {
			tell(report{Tell: "closed", Code: end.Code, Status: end.Status, Returns: &end.WillReconnect})
		},
		OnAny: func(event string, data json.RawMessage) {
			tell(report{Tell: "event", Event: event, Data: data})
		},
	}
	if next.Auth != nil {
		client.Auth = func(context.Context) (map[string]any, error) { return next.Auth, nil }
	}
	client.On("question", func(_ context.Context, data json.RawMessage) (any, error) { return data, nil })
	client.On("secret", func(context.Context, json.RawMessage) (any, error) {
		return nil, envelope.Refuse("I will not tell")
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	program.client, program.cancel, program.ended = client, cancel, ended
	go func() {
		_ = client.Run(ctx)
		close(ended)
	}()
}

func (program *program) disconnect() {
	if program.client != nil {
		program.cancel()
		<-program.ended
	}
}

func (program *program) ask(next command) {
	data, err := program.client.Request(context.Background(), next.Event, next.Data)
	if err != nil {
		fail(next.Key, err)
		return
	}
	tell(report{Tell: "answer", Key: next.Key, Data: data})
}

func (program *program) read(next command) {
	stream, err := program.client.Stream(next.Event, next.Data)
	if err != nil {
		fail(next.Key, err)
		return
	}
	program.mutex.Lock()
	program.streams[next.Key] = stream
	program.mutex.Unlock()
	for {
		data, err := stream.Next(context.Background())
		if errors.Is(err, io.EOF) {
			tell(report{Tell: "end", Key: next.Key})
			return
		}
		if err != nil {
			fail(next.Key, err)
			return
		}
		tell(report{Tell: "value", Key: next.Key, Data: data})
	}
}

func fail(key string, err error) {
	line := report{Tell: "failed", Key: key}
	var failure *envelope.RequestError
	if errors.As(err, &failure) {
		line.Data, _ = failure.Data.(json.RawMessage)
	}
	tell(line)
}
