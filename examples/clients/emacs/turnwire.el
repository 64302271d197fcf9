;;; turnwire.el --- A client for the coding agent Turnwire -*- lexical-binding: t; -*-

;; Version: 0.1.0
;; Package-Requires: ((emacs "28.1"))
;; Keywords: tools, processes
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; `M-x turnwire' asks the agent, and a buffer shows what it does.
;;
;; Each prompt is a run with an id of its own.  It stays in `turnwire--runs' until its completion has
;; come.  If the server dies before that, the next server is started and gets the prompt again under
;; the same id, which never runs a prompt twice.  A completion is acknowledged when it is in the
;; buffer.

;;; Code:

(require 'cl-lib)
(require 'jsonrpc)
(require 'seq)
(require 'subr-x)

(defgroup turnwire nil
  "A coding agent whose replies are not lost."
  :group 'tools)

(defcustom turnwire-command '("turnwire" "serve" "--log-level" "warn" "--linger" "600")
  "The program of the server and its arguments.
Its runs may go on after Emacs has ended, for the seconds of `--linger'."
  :type '(repeat string))

(defcustom turnwire-identity-file (locate-user-emacs-file "turnwire-client-id")
  "The file with the identity to which completions belong.
What one Emacs missed, the next one with the same identity gets."
  :type 'file)

(defvar turnwire--connection nil "The connection, until its server has ended.")
(defvar turnwire--place nil "The ids of workspace and session, once the server is ready.")
(defvar turnwire--session-id nil "The id of the session.  It outlives servers.")
(defvar turnwire--runs nil "The runs that have no completion yet, in order.")
(defvar turnwire--handled nil "The ids of the completions that were shown.")
(defvar turnwire--failed-starts 0 "How many servers in a row have ended before they were ready.")

;;;; The buffer

(defvar turnwire--shown (make-hash-table :test #'equal)
  "The text that is shown of each part, by message and index.")
(defvar turnwire--last nil "The message that is shown, and its text: (ID . TEXT).")
(defvar turnwire--tools nil "The ids of the calls of tools that are shown.")

(define-derived-mode turnwire-mode special-mode "Turnwire"
  "The conversation with the agent."
  (visual-line-mode))

(defun turnwire--buffer ()
  "Return the buffer of the conversation."
  (let ((buffer (get-buffer-create "*turnwire*")))
    (with-current-buffer buffer
      (unless (derived-mode-p 'turnwire-mode) (turnwire-mode)))
    buffer))

(defun turnwire--append (text)
  "Add TEXT at the end.  A window that shows the end follows it."
  (with-current-buffer (turnwire--buffer)
    (let ((inhibit-read-only t)
          (following (seq-filter (lambda (window) (= (window-point window) (point-max)))
                                 (get-buffer-window-list nil nil t))))
      (save-excursion
        (goto-char (point-max))
        (insert text))
      (dolist (window following) (set-window-point window (point-max))))))

(defun turnwire--say (format &rest arguments)
  "Add a note about the conversation: FORMAT with ARGUMENTS."
  (turnwire--append (format "\n\n(%s)\n\n" (apply #'format format arguments))))

(defun turnwire--utf16-length (text)
  "Return the length of TEXT in UTF-16 units, in which the protocol counts."
  (seq-reduce (lambda (sum character) (+ sum (if (> character #xFFFF) 2 1))) text 0))

(defun turnwire--add (message-id index text)
  "Add TEXT to the part at INDEX of the message MESSAGE-ID."
  (let ((key (cons message-id index)))
    (unless (or (gethash key turnwire--shown) (hash-table-empty-p turnwire--shown))
      (turnwire--append "\n\n"))
    (puthash key (concat (gethash key turnwire--shown) text) turnwire--shown)
    (unless (equal (car turnwire--last) message-id)
      (setq turnwire--last (cons message-id "")))
    (setcdr turnwire--last (concat (cdr turnwire--last) text))
    (turnwire--append text)))

(defun turnwire--show-message (message)
  "Show what is missing of MESSAGE."
  (let ((id (plist-get message :id)))
    (seq-do-indexed
     (lambda (part index)
       (let ((have (or (gethash (cons id index) turnwire--shown) ""))
             (text (plist-get part :text)))
         (when (and (equal (plist-get part :type) "text")
                    (string-prefix-p have text)
                    (not (string= have text)))
           (turnwire--add id index (substring text (length have))))))
     (plist-get message :parts))))

(cl-defun turnwire--delta (&key messageId partIndex offset delta &allow-other-keys)
  "Add DELTA at OFFSET.  If a delta before it was lost, ask for the whole message.
MESSAGEID and PARTINDEX tell where it belongs."
  (if (= offset (turnwire--utf16-length (gethash (cons messageId partIndex) turnwire--shown "")))
      (turnwire--add messageId partIndex delta)
    (turnwire--send 'getMessage `(,@turnwire--place :messageId ,messageId)
                    #'turnwire--show-message)))

(defun turnwire--show-tools (message)
  "Name the tools of MESSAGE that run."
  (seq-doseq (part (plist-get message :parts))
    (let ((id (plist-get part :toolCallId)))
      (when (and (equal (plist-get part :type) "toolCall")
                 (equal (plist-get part :state) "running")
                 (not (member id turnwire--tools)))
        (push id turnwire--tools)
        (turnwire--append (format "\n[%s]\n" (plist-get part :name)))))))

(defun turnwire--finish (message-id text)
  "Add what the events did not show of TEXT, the reply in the message MESSAGE-ID.
Events may be lost, and a completion never is."
  (let ((have (if (equal (car turnwire--last) message-id) (cdr turnwire--last) "")))
    (cond ((string-prefix-p have text) (turnwire--append (substring text (length have))))
          ;; A very long text is cut in a completion.
          ((not (string-prefix-p text have)) (turnwire--append (concat "\n\n" text)))))
  (clrhash turnwire--shown)
  (setq turnwire--last nil turnwire--tools nil))

;;;; Questions

(defun turnwire--question-buffer (question)
  "Return a buffer with all of QUESTION: the command or the diff, and where."
  (with-current-buffer (get-buffer-create "*turnwire question*")
    (let ((inhibit-read-only t))
      (erase-buffer)
      (insert (plist-get question :description) "\n"
              (or (plist-get question :cwd) (plist-get question :path) "") "\n"
              (or (plist-get question :diff) ""))
      (goto-char (point-min)))
    (if (plist-get question :diff) (diff-mode) (special-mode))
    (setq buffer-read-only t)
    (current-buffer)))

(defun turnwire--choose (question)
  "Ask the user, and return the choice.  Leaving QUESTION with \\[keyboard-quit] is no."
  (let* ((choices (append (plist-get question :choices) nil))
         (prompt (car (split-string (plist-get question :description) "\n")))
         (keys '(("allow" ?a "allow") ("allowForSession" ?s "allow for this session")
                 ("allowAlways" ?w "allow in this workspace for good")
                 ("deny" ?d "deny")))
         (offered (delq nil (mapcar (lambda (choice) (cdr (assoc choice keys))) choices)))
         (inhibit-quit nil))
    (condition-case nil
        (let ((key (car (read-multiple-choice prompt offered))))
          (car (seq-find (lambda (each) (eq (nth 1 each) key)) keys)))
      (quit "deny"))))

(defun turnwire--ask (connection question)
  "Answer QUESTION, the params of `requestPermission', which came over CONNECTION."
  (let ((buffer (turnwire--question-buffer question))
        (process (jsonrpc--process connection))
        (decision "deny"))
    ;; jsonrpc.el waits for our return value.  Until then the output of the server stays in its pipe:
    ;; the next message must not be read in the middle of this one.
    (let ((filter (process-filter process)))
      (set-process-filter process t)
      (unwind-protect
          (save-window-excursion
            (display-buffer buffer)
            (setq decision (turnwire--choose question)))
        (kill-buffer buffer)
        (when (process-live-p process) (set-process-filter process filter))))
    `(:decision ,decision)))

;;;; The server

(defun turnwire--new-id ()
  "Return an id that nobody else has."
  (format "emacs-%s" (secure-hash 'sha1 (format "%s %s %s" (emacs-pid) (current-time) (random)))))

(defun turnwire--client-id ()
  "Return the identity of this user's Emacs.  It is made once."
  (unless (file-exists-p turnwire-identity-file)
    (make-directory (file-name-directory (expand-file-name turnwire-identity-file)) t)
    (write-region (turnwire--new-id) nil turnwire-identity-file nil 'silent))
  (with-temp-buffer
    (insert-file-contents turnwire-identity-file)
    (string-trim (buffer-string))))

(defun turnwire--send (method params &optional on-result)
  "Send a request: METHOD with PARAMS.  ON-RESULT gets the result, and no error."
  (jsonrpc-async-request turnwire--connection method params
                         :success-fn (or on-result #'ignore)
                         :error-fn #'ignore
                         :timeout-fn #'ignore))

(defun turnwire--on-request (connection method params)
  "Answer the request METHOD of the server with PARAMS over CONNECTION."
  (if (eq method 'requestPermission)
      (turnwire--ask connection params)
    (jsonrpc-error :code -32601 :message (format "no method %s here" method))))

(defun turnwire--on-notification (_connection method params)
  "Show what the notification METHOD with PARAMS says.  Others are ignored."
  (pcase method
    ('runComplete (turnwire--complete params))
    ('messageDelta (when (equal (plist-get params :kind) "text") (apply #'turnwire--delta params)))
    ('messageUpdated (turnwire--show-tools (plist-get params :message)))))

(defun turnwire--complete (completion)
  "Show COMPLETION, and acknowledge it when it is shown.  It may come twice."
  (let* ((id (plist-get completion :completionId))
         (run-id (plist-get completion :runId))
         (is-ours (seq-some (lambda (run) (equal (plist-get run :runId) run-id)) turnwire--runs)))
    (turnwire--forget run-id)
    (unless (member id turnwire--handled)
      (push id turnwire--handled)
      (if is-ours
          (turnwire--finish (plist-get completion :messageId) (plist-get completion :text))
        (turnwire--append (concat "\n\n* Missed\n\n" (plist-get completion :text))))
      (turnwire--say "%s%s" (plist-get completion :status)
                     (if-let ((why (plist-get completion :error))) (concat ": " why) "")))
    (turnwire--send 'acknowledge `(:completionIds [,id]))))

(defun turnwire--forget (run-id)
  "Wait no more for the run RUN-ID."
  (setq turnwire--runs
        (seq-remove (lambda (run) (equal (plist-get run :runId) run-id)) turnwire--runs)))

(defun turnwire--send-run (run)
  "Send the prompt of RUN.  Sending it again is harmless."
  (jsonrpc-async-request
   turnwire--connection 'sendMessage (append run turnwire--place)
   :success-fn
   (lambda (answer)
     ;; Another server has ended it, and its completion was acknowledged.
     (when (and (plist-get answer :duplicate) (equal (plist-get answer :state) "completed"))
       (turnwire--send 'getRun `(,@turnwire--place :runId ,(plist-get run :runId))
                       (lambda (told)
                         (when-let ((completion (plist-get told :completion)))
                           (turnwire--complete completion))))))
   :error-fn
   (lambda (err)
     ;; The server may have died: then the next one gets the prompt.
     (when (jsonrpc-running-p turnwire--connection)
       (turnwire--forget (plist-get run :runId))
       (turnwire--say "not accepted: %s" (plist-get err :message))))
   :timeout-fn #'ignore))

(defun turnwire--start ()
  "Start a server, and return its connection."
  (make-instance
   'jsonrpc-process-connection
   :name "turnwire"
   :events-buffer-scrollback-size 0
   :request-dispatcher #'turnwire--on-request
   :notification-dispatcher #'turnwire--on-notification
   :on-shutdown #'turnwire--on-end
   :process (lambda ()
              (make-process :name "turnwire" :command turnwire-command :connection-type 'pipe
                            :coding 'utf-8-emacs-unix :noquery t
                            :stderr (get-buffer-create "*turnwire stderr*")))))

(defun turnwire--connect ()
  "Start a server, and send it the runs that wait."
  (condition-case err
      (let ((connection (turnwire--start)))
        (setq turnwire--connection connection)
        (jsonrpc-request connection 'initialize
                         `( :protocolVersion 1 :clientId ,(turnwire--client-id)
                            :clientInfo (:name "turnwire.el"))
                         :timeout 30)
        (let ((workspace (jsonrpc-request
                          connection 'createWorkspace
                          `(:path ,(expand-file-name default-directory) :initAgent t)
                          :timeout 30)))
          (unless turnwire--session-id (setq turnwire--session-id (turnwire--new-id)))
          (let ((place `( :workspaceId ,(plist-get workspace :id)
                          :sessionId ,turnwire--session-id)))
            (jsonrpc-request connection 'createSession place :timeout 30)
            (setq turnwire--place place turnwire--failed-starts 0)
            (mapc #'turnwire--send-run turnwire--runs))))
    (error
     ;; Where the server has ended, `turnwire--on-end' decides.
     (unless (and turnwire--connection (not (jsonrpc-running-p turnwire--connection)))
       (setq turnwire--runs nil)
       (turnwire--say "The server does not start: %s" (error-message-string err))
       (when turnwire--connection (jsonrpc-shutdown turnwire--connection))))))

(defun turnwire--on-end (connection)
  "The server of CONNECTION has ended.  If a run waits, ask the next server for it."
  (when (eq connection turnwire--connection)
    (unless turnwire--place (cl-incf turnwire--failed-starts))
    (setq turnwire--connection nil turnwire--place nil)
    (when turnwire--runs
      (if (< turnwire--failed-starts 3)
          (run-at-time 0 nil #'turnwire--connect)
        (setq turnwire--runs nil turnwire--failed-starts 0)
        (turnwire--say "The server does not start: %s" (string-join turnwire-command " "))))))

;;;; Commands

;;;###autoload
(defun turnwire (prompt)
  "Ask the agent in the folder of the present buffer: PROMPT.
An empty prompt only shows the conversation, with what an earlier Emacs missed."
  (interactive "sAsk the agent: ")
  (display-buffer (turnwire--buffer))
  (let ((run (list :runId (turnwire--new-id) :prompt prompt)))
    (unless (string-empty-p prompt)
      (turnwire--append (format "\n\n* %s\n\n" prompt))
      (setq turnwire--runs (append turnwire--runs (list run))))
    (cond ((null turnwire--connection) (turnwire--connect))
          ((and turnwire--place (not (string-empty-p prompt))) (turnwire--send-run run)))))

(defun turnwire-cancel ()
  "Cancel what is under way.  The completions still come, and tell how it ended."
  (interactive)
  (when turnwire--place
    (dolist (run turnwire--runs)
      (turnwire--send 'cancelRun `(,@turnwire--place :runId ,(plist-get run :runId))))))

(defun turnwire-new-session ()
  "Let the next prompt begin a new session."
  (interactive)
  (when turnwire--runs (user-error "A run is under way"))
  (setq turnwire--session-id (turnwire--new-id))
  (when turnwire--place
    (setq turnwire--place (plist-put (copy-sequence turnwire--place)
                                     :sessionId turnwire--session-id))
    (turnwire--send 'createSession turnwire--place))
  (turnwire--say "A new session."))

(provide 'turnwire)

;;; turnwire.el ends here
