// turnwire-run runs one prompt in a folder and prints the reply: `go run ./cmd/turnwire-run PROMPT [FOLDER]`.
package main

import (
	"fmt"
	"os"
	"strings"

	turnwire "turnwire.dev/client"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("usage: turnwire-run PROMPT [FOLDER]")
	}
	folder := "."
	if len(args) > 1 {
		folder = args[1]
	}
	client, err := turnwire.New(turnwire.Options{
		ClientID: "turnwire-run",
		Command:  strings.Fields(os.Getenv("TURNWIRE")),
		OnCompletion: func(completion turnwire.Completion) error {
			fmt.Println("missed before:", completion.RunID, completion.Status)
			return nil
		},
	})
	if err != nil {
		return err
	}
	defer client.Close()
	var workspace, session struct {
		ID string `json:"id"`
	}
	open := map[string]any{"path": folder, "initAgent": true}
	if err := client.Request("createWorkspace", open, &workspace); err != nil {
		return err
	}
	if err := client.Request("createSession", map[string]any{"workspaceId": workspace.ID}, &session); err != nil {
		return err
	}
	completion, err := client.Run(workspace.ID, session.ID, args[0], "")
	if err != nil {
		return err
	}
	fmt.Println(completion.Text)
	if completion.Status != "succeeded" {
		return fmt.Errorf("%s: %s", completion.Status, completion.Error)
	}
	return nil
}
