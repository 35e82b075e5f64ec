// SPDX-License-Identifier: ISC
// Fetches / of HOST PORT by URL, by HttpClient and by a SocketChannel.
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;

class Fetch {
	static void byUrl(URI uri) throws Exception {
		try (InputStream in = uri.toURL().openStream()) {
			System.out.print(new String(in.readAllBytes()));
		}
	}

	static void byClient(URI uri) throws Exception {
		HttpRequest request = HttpRequest.newBuilder(uri).build();
		System.out.print(HttpClient.newHttpClient().send(request,
		    HttpResponse.BodyHandlers.ofString()).body());
	}

	static void byChannel(String host, int port) throws Exception {
		SocketChannel channel = SocketChannel.open();
		Selector selector = Selector.open();
		ByteBuffer buffer = ByteBuffer.allocate(4096);
		channel.configureBlocking(false);
		channel.connect(new InetSocketAddress(
		    InetAddress.getByName(host), port));
		channel.register(selector, SelectionKey.OP_CONNECT);
		selector.select();
		if (!channel.finishConnect())
			throw new Exception("not connected");
		selector.close();
		channel.configureBlocking(true);
		channel.write(ByteBuffer.wrap("GET / HTTP/1.0\r\n\r\n"
		    .getBytes()));
		while (channel.read(buffer) > 0)
			continue;
		System.out.print(new String(buffer.array(), 0,
		    buffer.position()));
	}

	public static void main(String[] words) throws Exception {
		String host = words[0];
		int port = Integer.parseInt(words[1]);
		URI uri = new URI("http://" + (host.contains(":") ?
		    "[" + host + "]" : host) + ":" + port + "/");
		byUrl(uri);
		byClient(uri);
		byChannel(host, port);
	}
}
