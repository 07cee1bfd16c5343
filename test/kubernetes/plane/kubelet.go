package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
	protocols "k8s.io/apimachinery/pkg/util/remotecommand"
	client "k8s.io/client-go/tools/remotecommand"
	"k8s.io/kubelet/pkg/cri/streaming/remotecommand"
	codes "k8s.io/utils/exec"
)

// kubelet answers `kubectl exec` by running the command on this machine, with a kubelet's own protocol: kwok, which has
// all the rest, neither ends a command's input nor tells its exit status.
type kubelet struct {
	// targets is a file, read anew for each command: JSON of a target by container, "" for all others.
	targets string
}

// target is what a container is to its commands.
type target struct {
	Dir string            `json:"dir"`
	Env map[string]string `json:"env"`
}

// serveKubelet takes: address, TLS certificate, its key, address of kwok, file of targets.
func serveKubelet(args []string) error {
	address, certificate, key, rest := args[0], args[1], args[2], &url.URL{Scheme: "http", Host: args[3]}
	proxy := httputil.NewSingleHostReverseProxy(rest)
	// logs that are followed come as they are written
	proxy.FlushInterval = -1
	mux := http.NewServeMux()
	mux.Handle("/", proxy)
	mux.HandleFunc("/exec/{namespace}/{pod}/{container}", kubelet{targets: args[4]}.serveExec)
	return http.ListenAndServeTLS(address, certificate, key, mux)
}

func (k kubelet) serveExec(w http.ResponseWriter, req *http.Request) {
	options, err := remotecommand.NewOptions(req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	command := req.URL.Query()["command"]
	idle, creation := 4*time.Hour, 30*time.Second
	remotecommand.ServeExec(w, req, k, req.PathValue("pod"), "", req.PathValue("container"), command, options, idle,
		creation, protocols.SupportedStreamingProtocols)
}

// ExecInContainer is what remotecommand calls when its streams are there.
func (k kubelet) ExecInContainer(ctx context.Context, pod string, _ types.UID, container string, argv []string,
	in io.Reader, out, complaints io.WriteCloser, _ bool, _ <-chan client.TerminalSize, _ time.Duration) error {
	where, err := k.find(container)
	if err != nil {
		return fmt.Errorf("pod %s: %w", pod, err)
	}
	program, err := where.program(argv[0])
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, program, argv[1:]...)
	command.Dir, command.Stdout, command.Stderr = where.Dir, out, complaints
	command.Env = []string{}
	for name, value := range where.Env {
		command.Env = append(command.Env, name+"="+value)
	}
	if in != nil {
		// by a pipe of its own: a command may end before its input does
		pipe, err := command.StdinPipe()
		if err != nil {
			return err
		}
		go func() {
			_, _ = io.Copy(pipe, in)
			_ = pipe.Close()
		}()
	}
	err = command.Run()
	var failed *exec.ExitError
	if errors.As(err, &failed) && failed.Exited() {
		return codes.CodeExitError{Err: err, Code: failed.ExitCode()}
	}
	return err
}

func (k kubelet) find(container string) (target, error) {
	targets := map[string]target{}
	text, err := os.ReadFile(k.targets)
	if err == nil {
		err = json.Unmarshal(text, &targets)
	}
	if found, ok := targets[container]; ok {
		return found, err
	}
	if found, ok := targets[""]; ok {
		return found, err
	}
	return target{}, fmt.Errorf("nothing is in container %q", container)
}

// program is found as a container's runtime would: from its folder, or in its own PATH.
func (t target) program(name string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	for _, dir := range filepath.SplitList(t.Env["PATH"]) {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", fmt.Errorf("exec: %q: executable file not found in $PATH", name)
}
