package vllm

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"time"
)

// startEarly is Python's own small HTTP/1.0 server on the port, while the weights are downloaded: metrics, and 404 with an
// empty body for everything else.
func startEarly(m *metrics) (net.Listener, error) {
	listener, err := listen()
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go answerEarly(connection, m)
		}
	}()
	return listener, nil
}

func answerEarly(connection net.Conn, m *metrics) {
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(10 * time.Second))
	request, err := http.ReadRequest(bufio.NewReader(connection))
	if err != nil {
		return
	}
	status, contentType, body := "404 Not Found", "", ""
	if request.URL.Path == "/metrics" {
		status, contentType, body = "200 OK", "Content-Type: "+metricsType+"\r\n", m.early()
	}
	fmt.Fprintf(connection, "HTTP/1.0 %s\r\nServer: BaseHTTP/0.6 Python/3.12.1\r\nDate: %s\r\n%sContent-Length: %d\r\nConnection: close\r\n\r\n%s", status, time.Now().UTC().Format(http.TimeFormat), contentType, len(body), body)
}
