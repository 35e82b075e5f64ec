// SPDX-License-Identifier: ISC
// Prints a page that came through a SOCKS proxy.
//
//	java Reach.java url URL             by what -D says
//	java Reach.java socket URL HOST PORT USER PASSWORD

import java.io.InputStream;
import java.net.Authenticator;
import java.net.InetSocketAddress;
import java.net.PasswordAuthentication;
import java.net.Proxy;
import java.net.Socket;
import java.net.URL;

class Reach {
	static void bySocket(URL url, String[] arguments) throws Exception {
		if (!arguments[4].isEmpty())
			Authenticator.setDefault(new Authenticator() {
				protected PasswordAuthentication
				    getPasswordAuthentication() {
					return new PasswordAuthentication(
					    arguments[4],
					    arguments[5].toCharArray());
				}
			});
		Proxy proxy = new Proxy(Proxy.Type.SOCKS, new InetSocketAddress(
		    arguments[2], Integer.parseInt(arguments[3])));
		try (Socket socket = new Socket(proxy)) {
			socket.connect(InetSocketAddress.createUnresolved(
			    url.getHost(), url.getPort()));
			socket.getOutputStream().write(
			    "GET /page HTTP/1.0\r\n\r\n".getBytes());
			socket.getInputStream().transferTo(System.out);
		}
		System.out.flush();
	}

	public static void main(String[] arguments) throws Exception {
		URL url = new URL(arguments[1]);
		if (arguments[0].equals("socket")) {
			bySocket(url, arguments);
			return;
		}
		try (InputStream page = url.openStream()) {
			page.transferTo(System.out);
		}
		System.out.flush();
	}
}
