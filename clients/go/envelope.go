// Package envelope is a client of the envelope protocol, version 1, on github.com/gorilla/websocket.
//
// It is an example: copy it, and change it. ../README.md says which rule of PROTOCOL.md became which function.
//
//	client := &envelope.Client{URL: "ws://localhost:3000/chat", Auth: token}
//	client.On("said", func(ctx context.Context, data json.RawMessage) (any, error) {
//		fmt.Println(string(data))
//		return nil, nil
//	})
//	go client.Run(ctx) // until ctx is cancelled
//	…
//	sum, err := client.Request(ctx, "sum", []int{1, 2})
package envelope

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

// Rules 18.2 and 19.3 to 19.5.
const (
	defaultBase   = time.Second
	defaultCap    = 30 * time.Second
	later         = 5 * time.Second
	stable        = 5 * time.Second
	maxRetryAfter = 5 * time.Minute
	pingEvery     = 20 * time.Second
	silence       = 45 * time.Second
	joinTimeout   = 20 * time.Second
	writeTimeout  = 10 * time.Second
	closeTimeout  = 2 * time.Second
)

// ErrDisconnected says that there is no connection, or that it ended before the answer came.
var ErrDisconnected = errors.New("envelope: not connected")

// BadMessage is an exception code of section 11: the message breaks a rule of section 5.
type BadMessage string

func (code BadMessage) Error() string { return "envelope: " + string(code) }

// RequestError is an exception of the server, the answer to a request. A handler returns one to refuse a request
// of the server.
type RequestError struct {
	// Data is as in rule 11.2.
	Data any
}

func (failure *RequestError) Error() string { return fmt.Sprintf("envelope: %s", failure.Data) }

// Refuse returns the error with which a handler refuses a request.
func Refuse(message string) error {
	return &RequestError{Data: map[string]any{"status": "error", "message": message}}
}

// End says how a connection, or an attempt to open one, ended.
type End struct {
	Code int
	// Status is the HTTP status of a refused upgrade, or 0.
	Status        int
	RetryAfter    time.Duration
	HasRetryAfter bool
	WillReconnect bool
	// Refusal is the data of the exception "refused", if a check after the upgrade refused the client.
	Refusal json.RawMessage
}

func (end End) Error() string {
	return fmt.Sprintf("envelope: closed with %d, HTTP status %d", end.Code, end.Status)
}

// Session is the data of $session, rule 12.1.
type Session struct {
	ID        string   `json:"id"`
	Recovered bool     `json:"recovered"`
	Token     string   `json:"session"`
	Features  []string `json:"features"`
	ExpiresIn float64  `json:"expiresIn"`
}

func (session Session) supports(feature string) bool {
	for _, name := range session.Features {
		if name == feature {
			return true
		}
	}
	return false
}

// Message is one message of either peer, rule 5.2. ID and Ack are a string, an int64 or nil. Data is nil if it is absent.
type Message struct {
	Event        string
	Data         json.RawMessage
	ID, Ack      any
	Stream, More bool
	Meta         json.RawMessage
	Offset       string
}

// Decode reads one message. Its error is a BadMessage.
func Decode(raw []byte) (Message, error) {
	var message Message
	// no struct: its fields would match keys in upper and lower case
	var fields map[string]json.RawMessage
	if !utf8.Valid(raw) || json.Unmarshal(raw, &fields) != nil || fields == nil {
		return message, BadMessage("bad_frame")
	}
	var isValid, isAckValid bool
	message.ID, isValid = readID(fields["id"])
	message.Ack, isAckValid = readID(fields["ack"])
	if !isValid || !isAckValid || message.ID != nil && message.Ack != nil {
		return message, BadMessage("bad_id")
	}
	if event, isPresent := fields["event"]; isPresent || message.Ack == nil {
		if event == nil || event[0] != '"' || json.Unmarshal(event, &message.Event) != nil {
			return message, BadMessage("bad_event")
		}
		if length := lengthOf(message.Event); length == 0 || length > 256 {
			return message, BadMessage("bad_event")
		}
	}
	if meta := fields["meta"]; meta != nil {
		if meta[0] != '{' {
			return message, BadMessage("bad_frame")
		}
		message.Meta = meta
	}
	message.Data = fields["data"]
	// rule 5.4: only exactly true counts
	message.Stream, message.More = string(fields["stream"]) == "true", string(fields["more"]) == "true"
	_ = json.Unmarshal(fields["offset"], &message.Offset)
	return message, nil
}

// readID returns a string or an int64, or nil if the field is absent.
func readID(raw json.RawMessage) (any, bool) {
	var value any
	if raw == nil {
		return nil, true
	}
	if json.Unmarshal(raw, &value) != nil {
		return nil, false
	}
	switch id := value.(type) {
	case string:
		return id, id != "" && lengthOf(id) <= 64
	case float64:
		return int64(id), id == math.Trunc(id) && math.Abs(id) < 1<<53
	}
	return nil, false
}

// lengthOf returns the number of UTF-16 code units, rule 5.3.
func lengthOf(text string) int { return len(utf16.Encode([]rune(text))) }

// MayReconnect says whether a client comes back after this end: rules 18.4, 19.1 and 19.2.
func MayReconnect(end End) bool {
	switch end.Status {
	case 0:
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	default:
		return end.Status >= 500
	}
	switch end.Code {
	case 1001, 1006, 1011, 1012, 1013, 1014, 1015, 4401:
		return true
	}
	return false
}

// ReconnectPause returns the time until the next attempt, rules 19.3 and 19.4.
func ReconnectPause(failures int, end End, base, limit time.Duration) time.Duration {
	bound := math.Min(float64(limit), float64(base)*math.Pow(2, float64(failures)))
	minimum := time.Duration(0)
	if end.HasRetryAfter {
		minimum = end.RetryAfter
		if minimum > maxRetryAfter {
			minimum = maxRetryAfter
		}
	} else if end.Code == 1011 || end.Code == 1013 {
		minimum = later
	}
	return minimum + time.Duration(random()*math.Max(bound, float64(minimum)/2))
}

// random returns a number from 0 to below 1. Before Go 1.20, math/rand gives all clients the same numbers.
func random() float64 {
	var bytes [8]byte
	_, _ = rand.Read(bytes[:])
	return float64(binary.LittleEndian.Uint64(bytes[:])>>11) / (1 << 53)
}

func readRetryAfter(text string) (time.Duration, bool) {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	if date, err := http.ParseTime(text); err == nil {
		return time.Duration(math.Max(0, float64(time.Until(date)))), true
	}
	return 0, false
}

// Handler takes an event or a request of the server. Its result answers a request: nil is an answer without data,
// json.RawMessage("null") one with null. The server learns the text of a RequestError only.
type Handler func(ctx context.Context, data json.RawMessage) (any, error)

// Client is a connection to one path that comes back by itself. Set its fields and handlers before Run.
type Client struct {
	URL string
	// Auth returns the credentials. It is called for each attempt and each renewal. May be nil.
	Auth func(ctx context.Context) (map[string]any, error)
	// OnConnect and OnDisconnect may be nil. They must not block.
	OnConnect    func(Session)
	OnDisconnect func(End)
	// OnAny takes the events without a handler. May be nil.
	OnAny func(event string, data json.RawMessage)
	// Base and Cap as in rule 19.3. 0: 1 and 30 seconds.
	Base, Cap time.Duration

	handlers map[string]Handler
	mutex    sync.Mutex
	open     *connection
}

// On sets the handler of an event. Handlers of events run one after the other, those of requests each in a goroutine.
func (client *Client) On(event string, handler Handler) {
	if client.handlers == nil {
		client.handlers = map[string]Handler{}
	}
	client.handlers[event] = handler
}

// Emit sends an event. Data that is nil is absent; json.RawMessage("null") is null.
func (client *Client) Emit(event string, data any) error {
	if isReserved(event) {
		return fmt.Errorf("envelope: %q is a reserved name", event)
	}
	connection, err := client.connection()
	if err != nil {
		return err
	}
	return connection.send(outgoing{Event: event}, data)
}

// Request sends a request, and returns the data of its answer. Errors: ErrDisconnected, a *RequestError, or that of ctx.
func (client *Client) Request(ctx context.Context, event string, data any) (json.RawMessage, error) {
	connection, err := client.connection()
	if err != nil {
		return nil, err
	}
	return connection.request(ctx, event, data)
}

// Stream sends a request for many values.
func (client *Client) Stream(event string, data any) (*Stream, error) {
	connection, err := client.connection()
	if err != nil {
		return nil, err
	}
	return connection.ask(event, data, true)
}

func (client *Client) connection() (*connection, error) {
	client.mutex.Lock()
	defer client.mutex.Unlock()
	if client.open == nil {
		return nil, ErrDisconnected
	}
	return client.open, nil
}

// Run connects, and connects again, until ctx is cancelled or the client must not come back. It returns an End.
// When ctx is cancelled, it closes with 1000, which ends the session on the server. It waits for the handlers of events.
func (client *Client) Run(ctx context.Context) error {
	base, limit := client.Base, client.Cap
	if base == 0 {
		base = defaultBase
	}
	if limit == 0 {
		limit = defaultCap
	}
	events, delivered := newQueue[Message](), make(chan struct{})
	go func() {
		client.deliver(ctx, events)
		close(delivered)
	}()
	defer func() {
		events.end()
		<-delivered
	}()
	var known resumption
	for failures := 0; ; failures++ {
		openedAt, end := client.converse(ctx, &known, events)
		if !openedAt.IsZero() && time.Since(openedAt) >= stable {
			failures = 0
		}
		end.WillReconnect = ctx.Err() == nil && MayReconnect(end)
		if client.OnDisconnect != nil {
			client.OnDisconnect(end)
		}
		if !end.WillReconnect {
			return end
		}
		select {
		case <-ctx.Done():
			return end
		case <-time.After(ReconnectPause(failures, end, base, limit)):
		}
	}
}

// resumption is what a client keeps for its next connection, section 15.
type resumption struct{ token, offset string }

// converse opens one connection, and reads it to its end.
func (client *Client) converse(ctx context.Context, known *resumption, events *queue[Message]) (time.Time, End) {
	fields := map[string]any{}
	if client.Auth != nil {
		credentials, err := client.Auth(ctx)
		if err != nil {
			return time.Time{}, End{Code: websocket.CloseAbnormalClosure}
		}
		for name, value := range credentials {
			fields[name] = value
		}
	}
	if known.token != "" && known.offset != "" {
		fields["session"], fields["offset"] = known.token, known.offset
	}
	subprotocols := []string{"envelope.v1"}
	if len(fields) > 0 {
		text, err := json.Marshal(fields)
		if err != nil {
			return time.Time{}, End{Code: websocket.CloseAbnormalClosure}
		}
		subprotocols = append(subprotocols, "envelope.auth."+base64.RawURLEncoding.EncodeToString(text))
	}
	dialer := websocket.Dialer{
		Proxy:            http.ProxyFromEnvironment,
		HandshakeTimeout: joinTimeout,
		Subprotocols:     subprotocols,
	}
	ws, response, err := dialer.DialContext(ctx, client.URL, nil)
	if err != nil {
		end := End{Code: websocket.CloseAbnormalClosure}
		if response != nil && response.StatusCode != http.StatusSwitchingProtocols {
			end.Status = response.StatusCode
			end.RetryAfter, end.HasRetryAfter = readRetryAfter(response.Header.Get("Retry-After"))
		}
		return time.Time{}, end
	}
	ctx, cancel := context.WithCancel(ctx)
	connection := &connection{client: client, ws: ws, ctx: ctx, requests: map[any]*Stream{}}
	// in this order: nobody finds the connection, its requests fail, its goroutines end
	defer cancel()
	defer connection.end()
	if name := ws.Subprotocol(); name != "" && name != "envelope.v1" {
		connection.close(websocket.CloseProtocolError)
		return time.Time{}, End{Code: websocket.CloseProtocolError}
	}
	go connection.watch()
	return connection.read(known, events)
}

// deliver hands events to their handlers, in order. The connection is read meanwhile, so that a handler may wait for
// the answer to a request.
func (client *Client) deliver(ctx context.Context, events *queue[Message]) {
	for {
		message, err := events.next(ctx)
		if err != nil {
			return
		}
		if handler := client.handlers[message.Event]; handler != nil {
			_, _ = handler(ctx, message.Data)
		} else if client.OnAny != nil {
			client.OnAny(message.Event, message.Data)
		}
	}
}

// connection is one WebSocket. Requests end with it, rule 8.5.
type connection struct {
	client  *Client
	ws      *websocket.Conn
	ctx     context.Context
	session Session

	writing  sync.Mutex
	mutex    sync.Mutex
	lastID   int64
	requests map[any]*Stream
	hasEnded bool
}

// watch sends pings (rule 18.2), and closes with 1000 when the application has cancelled Run.
func (connection *connection) watch() {
	ticker := time.NewTicker(pingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			_ = connection.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeTimeout))
		case <-connection.ctx.Done():
			connection.close(websocket.CloseNormalClosure)
			time.AfterFunc(closeTimeout, func() { _ = connection.ws.Close() })
			return
		}
	}
}

func (connection *connection) close(code int) {
	text := websocket.FormatCloseMessage(code, "")
	_ = connection.ws.WriteControl(websocket.CloseMessage, text, time.Now().Add(writeTimeout))
}

// read reads messages until the connection ends.
func (connection *connection) read(known *resumption, events *queue[Message]) (openedAt time.Time, end End) {
	ws := connection.ws
	alive := func() { _ = ws.SetReadDeadline(time.Now().Add(silence)) }
	ws.SetPongHandler(func(string) error { alive(); return nil })
	answerPing := ws.PingHandler()
	ws.SetPingHandler(func(data string) error { alive(); return answerPing(data) })
	_ = ws.SetReadDeadline(time.Now().Add(joinTimeout))
	if ws.Subprotocol() == "" {
		openedAt = connection.opened(nil, known)
	}
	for {
		_, raw, err := ws.ReadMessage()
		if err != nil {
			end.Code = websocket.CloseAbnormalClosure
			var closed *websocket.CloseError
			if errors.As(err, &closed) {
				end.Code = closed.Code
			}
			return openedAt, end
		}
		message, err := Decode(raw)
		if err != nil {
			continue
		}
		if message.Offset != "" {
			known.offset = message.Offset
		}
		switch {
		case openedAt.IsZero():
			if message.Event == "$session" {
				openedAt = connection.opened(message.Data, known)
			} else if message.Event == "exception" {
				end.Refusal = message.Data
			}
		case message.Ack != nil:
			connection.settle(message)
		case isReserved(message.Event):
		case message.ID != nil:
			go connection.answer(message)
		default:
			events.add(message)
		}
		if !openedAt.IsZero() {
			alive()
		}
	}
}

func (connection *connection) opened(data json.RawMessage, known *resumption) time.Time {
	client := connection.client
	_ = json.Unmarshal(data, &connection.session)
	known.token = connection.session.Token
	client.mutex.Lock()
	client.open = connection
	client.mutex.Unlock()
	if client.Auth != nil && connection.session.supports("auth") {
		go connection.renew()
	}
	if client.OnConnect != nil {
		client.OnConnect(connection.session)
	}
	return time.Now()
}

func (connection *connection) end() {
	connection.client.mutex.Lock()
	connection.client.open = nil
	connection.client.mutex.Unlock()
	_ = connection.ws.Close()
	connection.mutex.Lock()
	defer connection.mutex.Unlock()
	connection.hasEnded = true
	for _, stream := range connection.requests {
		stream.items.add(item{err: ErrDisconnected})
	}
}

// renew presents fresh credentials after about 80 % of the time that is left, again and again: section 13.
func (connection *connection) renew() {
	told := connection.session
	for told.ExpiresIn > 0 {
		expires := time.Now().Add(time.Duration(told.ExpiresIn * float64(time.Millisecond)))
		told = Session{}
		for isRenewed := false; !isRenewed; {
			left := time.Until(expires)
			if left < 200*time.Millisecond {
				return
			}
			select {
			case <-connection.ctx.Done():
				return
			case <-time.After(time.Duration(float64(left) * (0.75 + 0.1*random()))):
			}
			credentials, err := connection.client.Auth(connection.ctx)
			if err != nil {
				continue
			}
			data, err := connection.request(connection.ctx, "$auth", credentials)
			if isRenewed = err == nil; isRenewed {
				_ = json.Unmarshal(data, &told)
			}
		}
	}
}

// outgoing is a message of this client, without its data.
type outgoing struct {
	Event  string          `json:"event,omitempty"`
	Data   json.RawMessage `json:"data,omitempty"`
	ID     any             `json:"id,omitempty"`
	Ack    any             `json:"ack,omitempty"`
	Stream bool            `json:"stream,omitempty"`
}

func (connection *connection) send(message outgoing, data any) error {
	if raw, isRaw := data.(json.RawMessage); data != nil && !(isRaw && raw == nil) {
		text, err := json.Marshal(data)
		if err != nil {
			return err
		}
		message.Data = text
	}
	text, err := json.Marshal(message)
	if err != nil {
		return err
	}
	connection.writing.Lock()
	defer connection.writing.Unlock()
	_ = connection.ws.SetWriteDeadline(time.Now().Add(writeTimeout))
	if connection.ctx.Err() != nil || connection.ws.WriteMessage(websocket.TextMessage, text) != nil {
		return ErrDisconnected
	}
	return nil
}

func (connection *connection) ask(event string, data any, isStream bool) (*Stream, error) {
	connection.mutex.Lock()
	if connection.hasEnded {
		connection.mutex.Unlock()
		return nil, ErrDisconnected
	}
	connection.lastID++
	stream := &Stream{connection: connection, id: connection.lastID, isStream: isStream, items: newQueue[item]()}
	connection.requests[stream.id] = stream
	connection.mutex.Unlock()
	if err := connection.send(outgoing{Event: event, ID: stream.id, Stream: isStream}, data); err != nil {
		connection.forget(stream.id)
		return nil, err
	}
	return stream, nil
}

func (connection *connection) request(ctx context.Context, event string, data any) (json.RawMessage, error) {
	answer, err := connection.ask(event, data, false)
	if err != nil {
		return nil, err
	}
	first, err := answer.items.next(ctx)
	if err != nil {
		answer.Cancel()
		return nil, err
	}
	return first.data, first.err
}

func (connection *connection) settle(message Message) {
	connection.mutex.Lock()
	stream := connection.requests[message.Ack]
	connection.mutex.Unlock()
	if stream == nil {
		return
	}
	answer := item{data: message.Data, isLast: !message.More || !stream.isStream}
	if message.Event == "exception" {
		answer = item{err: &RequestError{Data: message.Data}, isLast: true}
	}
	if answer.isLast {
		connection.forget(message.Ack)
	}
	stream.items.add(answer)
}

func (connection *connection) forget(id any) {
	connection.mutex.Lock()
	defer connection.mutex.Unlock()
	delete(connection.requests, id)
}

// answer answers a request of the server, rule 8.3.
func (connection *connection) answer(message Message) {
	result, err := any(nil), Refuse("this client does not handle "+message.Event)
	if handler := connection.client.handlers[message.Event]; handler != nil {
		result, err = handler(connection.ctx, message.Data)
	}
	if err == nil {
		err = connection.send(outgoing{Ack: message.ID}, result)
	}
	if err == nil || errors.Is(err, ErrDisconnected) {
		return
	}
	var failure *RequestError
	if !errors.As(err, &failure) {
		errors.As(Refuse("Internal error"), &failure)
	}
	_ = connection.send(outgoing{Event: "exception", Ack: message.ID}, failure.Data)
}

// Stream is the values of one request.
type Stream struct {
	connection *connection
	id         any
	isStream   bool
	items      *queue[item]
	hasEnded   bool
}

type item struct {
	data   json.RawMessage
	isLast bool
	err    error
}

// Next returns the next value. Errors: io.EOF at the end, ErrDisconnected, a *RequestError, or that of ctx.
func (stream *Stream) Next(ctx context.Context) (json.RawMessage, error) {
	for !stream.hasEnded {
		next, err := stream.items.next(ctx)
		if err != nil {
			return nil, err
		}
		stream.hasEnded = next.isLast || next.err != nil
		if next.data != nil || next.err != nil {
			return next.data, next.err
		}
	}
	return nil, io.EOF
}

// Cancel asks the server to end the request. Values that are on their way still arrive.
func (stream *Stream) Cancel() {
	stream.connection.mutex.Lock()
	_, isInFlight := stream.connection.requests[stream.id]
	stream.connection.mutex.Unlock()
	if isInFlight && stream.connection.session.supports("cancel") {
		_ = stream.connection.send(outgoing{Event: "$cancel"}, stream.id)
	}
}

// isReserved says whether an event is one of rule 14.1, or of the protocol itself.
func isReserved(event string) bool {
	switch event {
	case "connect", "connection", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return true
	}
	return event != "" && event[0] == '$'
}

// queue has no limit: a slow reader of one stream must not stop the reading of the connection.
type queue[Item any] struct {
	mutex sync.Mutex
	items []Item
	added chan struct{}
	ended bool
}

func newQueue[Item any]() *queue[Item] { return &queue[Item]{added: make(chan struct{}, 1)} }

func (queue *queue[Item]) add(next Item) {
	queue.mutex.Lock()
	queue.items = append(queue.items, next)
	queue.mutex.Unlock()
	queue.wake()
}

// end lets next return io.EOF after the last item.
func (queue *queue[Item]) end() {
	queue.mutex.Lock()
	queue.ended = true
	queue.mutex.Unlock()
	queue.wake()
}

func (queue *queue[Item]) wake() {
	select {
	case queue.added <- struct{}{}:
	default:
	}
}

func (queue *queue[Item]) next(ctx context.Context) (next Item, err error) {
	for {
		queue.mutex.Lock()
		if len(queue.items) > 0 {
			next, queue.items = queue.items[0], queue.items[1:]
			queue.mutex.Unlock()
			return next, nil
		}
		ended := queue.ended
		queue.mutex.Unlock()
		if ended {
			return next, io.EOF
		}
		select {
		case <-queue.added:
		case <-ctx.Done():
			return next, ctx.Err()
		}
	}
}
