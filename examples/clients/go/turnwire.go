// Package turnwire is a client for Turnwire, with nothing but Go's standard library.
//
// It starts `turnwire serve` as a child process and speaks JSON-RPC 2.0 with it, one message a line. A
// completion is handled once, and acknowledged when its handler is done. If the server dies while a
// run is waited for, the next one is started and asked again under the same runId, which never runs a
// prompt twice.
package turnwire

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"
)

// ErrLost says that the server is gone, and that no answer can come any more.
var ErrLost = errors.New("the server is gone")

// ErrClosed says that the client was closed.
var ErrClosed = errors.New("the client is closed")

// RPCError is an error that the server answered. Name is stable: branch on it.
type RPCError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    struct {
		Name      string `json:"name"`
		Retryable bool   `json:"retryable"`
	} `json:"data"`
}

func (e *RPCError) Error() string { return fmt.Sprintf("%s (%d): %s", e.Data.Name, e.Code, e.Message) }

// Completion tells how a run ended. Members that this client does not know are left out.
type Completion struct {
	CompletionID string          `json:"completionId"`
	WorkspaceID  string          `json:"workspaceId"`
	SessionID    string          `json:"sessionId"`
	RunID        string          `json:"runId"`
	Status       string          `json:"status"`
	Text         string          `json:"text"`
	Error        string          `json:"error"`
	ErrorName    string          `json:"errorName"`
	Cause        string          `json:"cause"`
	Output       json.RawMessage `json:"output"`
}

// Question is what a tool asks before it does something.
type Question struct {
	WorkspaceID string          `json:"workspaceId"`
	SessionID   string          `json:"sessionId"`
	Tool        string          `json:"tool"`
	Description string          `json:"description"`
	Cwd         string          `json:"cwd"`
	Diff        string          `json:"diff"`
	Input       json.RawMessage `json:"input"`
}

// Options says how a client is made. Only ClientID is required.
type Options struct {
	// ClientID is the identity: keep it, and completions that were missed come the next time.
	ClientID string
	// Command is the server; `turnwire serve` where it is empty.
	Command []string
	// OnPermission answers "allow", "allowForSession", "allowAlways" or "deny"; without it the answer is "deny".
	OnPermission func(Question) string
	// OnCompletion gets the completions that no Run waits for. Each is acknowledged when it returns nil,
	// and comes again otherwise.
	OnCompletion func(Completion) error
	// OnEvent gets every other notification. It must not be slow.
	OnEvent func(method string, params json.RawMessage)
}

// Client is a client and its server.
type Client struct {
	options    Options
	mutex      sync.Mutex
	connection *connection
	workspaces []any
	runs       map[string]chan outcome
	handled    map[string]bool
	isClosed   bool
}

type outcome struct {
	completion Completion
	err        error
}

// New starts a server and initialises it.
func New(options Options) (*Client, error) {
	if len(options.Command) == 0 {
		options.Command = []string{"turnwire", "serve"}
	}
	client := &Client{options: options, runs: map[string]chan outcome{}, handled: map[string]bool{}}
	connection, err := client.connect()
	if err != nil {
		return nil, err
	}
	client.connection = connection
	return client, nil
}

// Request sends a request and puts its result into result, which may be nil.
func (c *Client) Request(method string, params, result any) error {
	connection := c.current()
	if connection == nil {
		return ErrClosed
	}
	if err := connection.request(method, params, result); err != nil {
		return err
	}
	if method == "createWorkspace" {
		// The next server has to be told to open it, too.
		c.mutex.Lock()
		c.workspaces = append(c.workspaces, params)
		c.mutex.Unlock()
	}
	return nil
}

// Run runs a prompt and waits for its completion, however the run ends: look at its Status. An empty
// runID is made up.
func (c *Client) Run(workspaceID, sessionID, prompt, runID string) (Completion, error) {
	if runID == "" {
		runID = "go-" + randomID()
	}
	params := map[string]any{
		"workspaceId": workspaceID, "sessionId": sessionID, "prompt": prompt, "runId": runID,
	}
	key := workspaceID + "\x00" + runID
	defer func() {
		c.mutex.Lock()
		delete(c.runs, key)
		c.mutex.Unlock()
	}()
	for {
		done := make(chan outcome, 1)
		c.mutex.Lock()
		c.runs[key] = done
		connection := c.connection
		c.mutex.Unlock()
		if connection == nil {
			return Completion{}, ErrClosed
		}
		completion, err := c.ask(connection, params, done)
		if !errors.Is(err, ErrLost) {
			return completion, err
		}
		if err := c.reconnect(connection); err != nil {
			return Completion{}, err
		}
	}
}

func (c *Client) ask(connection *connection, params map[string]any, done chan outcome) (Completion, error) {
	var answer struct {
		State     string `json:"state"`
		Duplicate bool   `json:"duplicate"`
	}
	if err := connection.request("sendMessage", params, &answer); err != nil {
		return Completion{}, err
	}
	if answer.Duplicate && answer.State == "completed" {
		var told struct {
			Completion *Completion `json:"completion"`
		}
		asked := map[string]any{"workspaceId": params["workspaceId"], "runId": params["runId"]}
		if err := connection.request("getRun", asked, &told); err != nil {
			return Completion{}, err
		}
		if told.Completion != nil {
			c.take(connection, *told.Completion)
		}
	}
	ended := <-done
	return ended.completion, ended.err
}

// Cancel cancels a run. Its completion still comes, and says what became of it.
func (c *Client) Cancel(workspaceID, runID string) error {
	return c.Request("cancelRun", map[string]any{"workspaceId": workspaceID, "runId": runID}, nil)
}

// Kill kills the server, as a crash would.
func (c *Client) Kill() {
	if connection := c.current(); connection != nil {
		connection.kill()
	}
}

// Close ends the server in good order. Closing twice is harmless.
func (c *Client) Close() {
	c.mutex.Lock()
	connection := c.connection
	c.connection, c.isClosed = nil, true
	c.mutex.Unlock()
	if connection != nil {
		connection.close()
	}
}

func (c *Client) current() *connection {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.connection
}

func (c *Client) connect() (*connection, error) {
	connection, err := start(c.options.Command, c.receive)
	if err != nil {
		return nil, err
	}
	params := map[string]any{
		"protocolVersion": 1, "clientId": c.options.ClientID, "clientInfo": map[string]any{"name": "turnwire-go"},
	}
	err = connection.request("initialize", params, nil)
	for _, workspace := range c.workspaces {
		if err == nil {
			err = connection.request("createWorkspace", workspace, nil)
		}
	}
	if err != nil {
		connection.kill()
		return nil, err
	}
	return connection, nil
}

func (c *Client) reconnect(lost *connection) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.isClosed {
		return ErrClosed
	}
	if c.connection != lost {
		return nil
	}
	connection, err := c.connect()
	if err == nil {
		c.connection = connection
	}
	return err
}

// receive is called for what the server sends by itself, in order; it must not wait for an answer.
func (c *Client) receive(connection *connection, frame frame) {
	switch {
	case frame.Method == "":
		// The server is gone: whoever waits asks the next one.
		c.mutex.Lock()
		defer c.mutex.Unlock()
		if connection != c.connection && c.connection != nil {
			return
		}
		for _, done := range c.runs {
			select {
			case done <- outcome{err: ErrLost}:
			default:
			}
		}
	case frame.ID != nil:
		go c.answer(connection, frame)
	case frame.Method == "runComplete":
		var completion Completion
		if json.Unmarshal(frame.Params, &completion) == nil {
			go c.take(connection, completion)
		}
	case c.options.OnEvent != nil:
		c.options.OnEvent(frame.Method, frame.Params)
	}
}

func (c *Client) answer(connection *connection, asked frame) {
	if asked.Method != "requestPermission" {
		problem := map[string]any{"code": -32601, "message": "this client has no such method"}
		connection.send(map[string]any{"jsonrpc": "2.0", "id": asked.ID, "error": problem})
		return
	}
	decision := "deny"
	var question Question
	if c.options.OnPermission != nil && json.Unmarshal(asked.Params, &question) == nil {
		decision = c.options.OnPermission(question)
	}
	result := map[string]any{"decision": decision}
	connection.send(map[string]any{"jsonrpc": "2.0", "id": asked.ID, "result": result})
}

func (c *Client) take(connection *connection, completion Completion) {
	c.mutex.Lock()
	done := c.runs[completion.WorkspaceID+"\x00"+completion.RunID]
	isNew := !c.handled[completion.CompletionID]
	if done == nil && c.options.OnCompletion == nil {
		c.mutex.Unlock()
		return // Nobody takes it: it stays with the server, and comes again.
	}
	c.handled[completion.CompletionID] = true
	c.mutex.Unlock()
	if isNew && done == nil {
		if err := c.options.OnCompletion(completion); err != nil {
			c.mutex.Lock()
			delete(c.handled, completion.CompletionID)
			c.mutex.Unlock()
			return
		}
	}
	// What is not acknowledged comes again, and is acknowledged then.
	_ = connection.request("acknowledge", map[string]any{"completionIds": []string{completion.CompletionID}}, nil)
	if done != nil {
		select {
		case done <- outcome{completion: completion}:
		default:
		}
	}
}

// frame is a message of the server.
type frame struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *RPCError       `json:"error"`
}

// connection is one server process and the frames that go to and fro.
type connection struct {
	process *exec.Cmd
	input   io.WriteCloser
	mutex   sync.Mutex
	waiting map[string]chan frame
	lastID  int
	isGone  bool
	ended   chan struct{}
}

func start(command []string, receive func(*connection, frame)) (*connection, error) {
	process := exec.Command(command[0], command[1:]...)
	input, err := process.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := process.Start(); err != nil {
		return nil, err
	}
	c := &connection{process: process, input: input, waiting: map[string]chan frame{}, ended: make(chan struct{})}
	go c.read(output, receive)
	return c, nil
}

func (c *connection) read(output io.Reader, receive func(*connection, frame)) {
	reader := bufio.NewReaderSize(output, 1<<16)
	for {
		line, err := reader.ReadBytes('\n')
		var message frame
		if len(line) > 1 && json.Unmarshal(line, &message) == nil {
			if answer := c.waiter(message); answer != nil {
				answer <- message
			} else {
				receive(c, message)
			}
		}
		if err != nil {
			break
		}
	}
	c.mutex.Lock()
	c.isGone = true
	for _, answer := range c.waiting {
		close(answer)
	}
	c.waiting = map[string]chan frame{}
	c.mutex.Unlock()
	_ = c.process.Wait()
	close(c.ended)
	receive(c, frame{})
}

func (c *connection) waiter(message frame) chan frame {
	if message.Method != "" || message.ID == nil {
		return nil
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	answer := c.waiting[string(message.ID)]
	delete(c.waiting, string(message.ID))
	return answer
}

func (c *connection) request(method string, params, result any) error {
	answer := make(chan frame, 1)
	c.mutex.Lock()
	if c.isGone {
		c.mutex.Unlock()
		return ErrLost
	}
	c.lastID++
	id := c.lastID
	c.waiting[fmt.Sprint(id)] = answer
	c.mutex.Unlock()
	c.send(map[string]any{"jsonrpc": "2.0", "id": id, "method": method, "params": params})
	message, isAnswered := <-answer
	if !isAnswered {
		return ErrLost
	}
	if message.Error != nil {
		return message.Error
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(message.Result, result)
}

func (c *connection) send(message any) {
	line, err := json.Marshal(message)
	if err != nil {
		panic(err) // Only what cannot be written as JSON comes here: a mistake of the caller's.
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	// A pipe that is broken shows as the end of the server's output.
	_, _ = c.input.Write(append(line, '\n'))
}

func (c *connection) close() {
	if c.request("shutdown", map[string]any{}, nil) == nil {
		c.send(map[string]any{"jsonrpc": "2.0", "method": "exit"})
	}
	_ = c.input.Close()
	select {
	case <-c.ended:
	case <-time.After(10 * time.Second):
		c.kill()
	}
}

func (c *connection) kill() {
	_ = c.process.Process.Kill()
	<-c.ended
}

func randomID() string {
	bytes := make([]byte, 12)
	if _, err := rand.Read(bytes); err != nil {
		panic(err)
	}
	return hex.EncodeToString(bytes)
}
