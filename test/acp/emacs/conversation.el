;;; conversation.el --- Talks with an agent through acp.el or its stand-in  -*- lexical-binding: t; -*-

;; What a test says in one sentence is a function here. A function that asks waits for the answer.

;;; Code:

(require 'acp)
(require 'json)
(require 'map)

(defvar talk-command nil "The agent, and its arguments.")
(defvar talk-client nil "The client that all functions use.")
(defvar talk-updates nil "Updates of sessions, the newest first.")
(defvar talk-questions nil "Permissions that the agent asked for, the newest first.")
(defvar talk-errors nil "What the agent wrote to stderr, the newest first.")
(defvar talk-choice "allow_once" "The kind of option that answers a question; nil for none.")
(defvar talk-files nil "Unsaved texts, by path.")

(defun talk-start (&rest names)
  "Starts an agent and greets it; NAMES are further arguments of `acp-make-initialize-request'."
  (setq talk-client (acp-make-client :command (car talk-command) :command-params (cdr talk-command)
                                     :context-buffer (current-buffer))
        talk-updates nil talk-questions nil)
  (acp-subscribe-to-notifications
   :client talk-client
   :on-notification (lambda (one) (let-alist one (when (equal .method "session/update")
                                                   (push .params.update talk-updates)))))
  (acp-subscribe-to-requests :client talk-client :on-request #'talk--answer)
  (acp-subscribe-to-errors :client talk-client
                           :on-error (lambda (one) (push (map-elt one 'message) talk-errors)))
  (talk-ask (apply #'acp-make-initialize-request
                   :protocol-version 1
                   :client-info '((name . "agent-shell") (title . "Emacs Agent Shell") (version . "1"))
                   names)))

(defun talk-until (what is-true)
  "Waits for IS-TRUE, and gives its value; WHAT tells what was waited for in vain."
  (let ((end (+ (float-time) 15)) value)
    (while (not (setq value (funcall is-true)))
      (when (> (float-time) end)
        (error "Waited in vain for %s; updates: %S; stderr: %S" what talk-updates talk-errors))
      (accept-process-output nil 0.02))
    value))

(defun talk-send (request)
  "Sends REQUEST, and gives a function that gives its answer in a list, or nil before it is there."
  (let (answer)
    (acp-send-request :client talk-client :request request
                      :on-success (lambda (result) (setq answer (list result)))
                      :on-failure (lambda (problem) (setq answer `(((error . ,problem))))))
    (lambda () answer)))

(defun talk-ask (request)
  "Sends REQUEST and gives its result; an error is `((error . …))'."
  (car (talk-until (map-elt request :method) (talk-send request))))

(defun talk--answer (request)
  "Answers REQUEST of the agent as an editor does."
  (let-alist request
    (let ((response
           (pcase .method
             ("session/request_permission" (push .params talk-questions) (talk--choose .id .params.options))
             ("fs/read_text_file"
              (if-let ((text (map-elt talk-files .params.path nil #'equal)))
                  (acp-make-fs-read-text-file-response :request-id .id :content text)
                (acp-make-fs-read-text-file-response
                 :request-id .id
                 :error (acp-make-error :code -32002 :message "no such buffer"))))
             ("fs/write_text_file"
              (setf (alist-get .params.path talk-files nil nil #'equal) .params.content)
              (acp-make-fs-write-text-file-response :request-id .id)))))
      (when response (acp-send-response :client talk-client :response response)))))

(defun talk--choose (id options)
  "The answer of the kind `talk-choice' to the question ID with OPTIONS."
  (when talk-choice
    (let ((option (seq-find (lambda (one) (equal (map-elt one 'kind) talk-choice)) options)))
      (acp-make-session-request-permission-response :request-id id
                                                    :option-id (map-elt option 'optionId)))))

(defun talk-open (folder)
  "Opens a session in FOLDER, and gives its id."
  (map-elt (talk-ask (acp-make-session-new-request :cwd folder)) 'sessionId))

(defun talk-prompt-request (session text)
  "The prompt TEXT for SESSION."
  (acp-make-session-prompt-request :session-id session
                                   :prompt `(((type . "text") (text . ,text)))))

(defun talk-prompt (session text)
  "Says TEXT in SESSION, and gives the answer."
  (talk-ask (talk-prompt-request session text)))

(defun talk-said (&optional kind)
  "All text of the updates of KIND, by default of the agent's messages."
  (mapconcat (lambda (one) (map-nested-elt one '(content text)))
             (seq-filter (lambda (one)
                           (equal (map-elt one 'sessionUpdate) (or kind "agent_message_chunk")))
                         (reverse talk-updates))
             ""))

(defun talk-kinds ()
  "The kinds of updates so far, each once, in order."
  (delete-dups (mapcar (lambda (one) (map-elt one 'sessionUpdate)) (reverse talk-updates))))

(defun talk-results ()
  "How each tool call ended, in order."
  (delq nil (mapcar (lambda (one) (car (member (map-elt one 'status) '("completed" "failed"))))
                    (reverse talk-updates))))

(defun talk-process ()
  "The newest process of this Emacs that is an agent."
  (seq-find (lambda (one) (equal (process-command one) talk-command)) (process-list)))

(defun talk-tell (&rest facts)
  "Tells the test FACTS, which are a name and a value in turn, as one line of JSON."
  (let ((coding-system-for-write 'utf-8-unix))
    (princ (concat (json-encode facts) "\n"))))

(provide 'conversation)
;;; conversation.el ends here
