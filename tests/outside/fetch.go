// SPDX-License-Identifier: ISC

// Prints a page that came through a SOCKS proxy.
//
//	fetch HOW PROXY HOST:PORT       HOW: http, proxy, h12
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"

	"golang.org/x/net/proxy"
	"h12.io/socks"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func byHTTP(at *url.URL, address string) {
	client := &http.Client{
		Transport: &http.Transport{Proxy: http.ProxyURL(at)}}
	page, err := client.Get("http://" + address + "/page")
	check(err)
	_, err = io.Copy(os.Stdout, page.Body)
	check(err)
}

func byConnection(connection net.Conn, err error) {
	check(err)
	_, err = io.WriteString(connection, "GET /page HTTP/1.0\r\n\r\n")
	check(err)
	_, err = io.Copy(os.Stdout, connection)
	check(err)
}

func main() {
	at, err := url.Parse(os.Args[2])
	check(err)
	switch os.Args[1] {
	case "http":
		byHTTP(at, os.Args[3])
	case "proxy":
		dialer, err := proxy.FromURL(at, proxy.Direct)
		check(err)
		byConnection(dialer.Dial("tcp", os.Args[3]))
	case "h12":
		byConnection(socks.Dial(os.Args[2])("tcp", os.Args[3]))
	}
}
